"""Merkle proofs: that a record is in a log, and that a log only grew (RFC 9162, section 2.1).

Hashes and the checking of proofs are in `verify_seal`, the file that a buyer holds.
"""

from collections.abc import Sequence

from burnish.prove.verify_seal import tree_root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of a leaf, from it upward (2.1.3.1).

    Args:
        leaves: All leaf hashes of the log.
        index: In [0, len(leaves)).

    Raises:
        ValueError: The index is out of range.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"leaf {index} of {len(leaves)}")
    if len(leaves) == 1:
        return []
    left = _split(len(leaves))
    if index < left:
        return [*inclusion_proof(leaves[:left], index), tree_root(leaves[left:])]
    return [*inclusion_proof(leaves[left:], index - left), tree_root(leaves[:left])]


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """The proof that the log of `old` leaves is the beginning of this one (2.1.4.1).

    Args:
        leaves: All leaf hashes of the newer log.
        old: Size of the older one, in [1, len(leaves)].

    Raises:
        ValueError: The size is out of range.
    """
    if not 1 <= old <= len(leaves):
        raise ValueError(f"an older log of {old} of {len(leaves)} leaves")
    return _subproof(leaves, old, True)


def _subproof(leaves: Sequence[bytes], old: int, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    left = _split(len(leaves))
    if old <= left:
        return [*_subproof(leaves[:left], old, whole), tree_root(leaves[left:])]
    return [*_subproof(leaves[left:], old - left, False), tree_root(leaves[:left])]


def _split(size: int) -> int:
    """The largest power of two below a size of at least 2."""
    return 1 << (size - 1).bit_length() - 1
