"""Certificate Transparency's published tree (its implementations' test vectors), and every small tree."""

from itertools import pairwise

import pytest

from burnish.prove.merkle import consistency_proof, inclusion_proof
from burnish.prove.verify_seal import consistent, includes, leaf_hash, tree_root

RECORDS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(record) for record in RECORDS]
NODES = {
    "96a2": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f08": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "0ebc": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca85": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "bc1a": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size):
    assert tree_root(LEAVES[:size]).hex() == ROOTS[size]


def test_published_proofs():
    path = [NODES["96a2"], NODES["5f08"], NODES["6b47"]]
    assert [node.hex() for node in inclusion_proof(LEAVES, 0)] == path
    assert [node.hex() for node in consistency_proof(LEAVES, 1)] == path
    assert [node.hex() for node in consistency_proof(LEAVES, 6)] == [NODES["0ebc"], NODES["ca85"], ROOTS[4]]
    assert [node.hex() for node in consistency_proof(LEAVES[:5], 2)] == [NODES["5f08"], NODES["bc1a"]]


def test_every_inclusion_proof_holds_for_its_leaf_alone():
    for size in range(1, 20):
        leaves = [leaf_hash(bytes([k])) for k in range(size)]
        root = tree_root(leaves)
        for index in range(size):
            proof = inclusion_proof(leaves, index)
            assert includes(root, size, leaves[index], index, proof)
            assert not includes(root, size, leaf_hash(b"other"), index, proof)
            assert not includes(root, size, leaves[index], (index + 1) % size, proof) or size == 1
            assert not includes(root, size, leaves[index], index, [*proof, root])
            for place in range(len(proof)):
                changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
                assert not includes(root, size, leaves[index], index, changed)


def test_every_consistency_proof_holds_for_its_beginning_alone():
    leaves = [leaf_hash(bytes([k])) for k in range(20)]
    rewritten = [leaf_hash(b"x"), *leaves[1:]]
    for size in range(1, 21):
        root = tree_root(leaves[:size])
        for old in range(1, size + 1):
            proof = consistency_proof(leaves[:size], old)
            assert consistent(tree_root(leaves[:old]), old, root, size, proof)
            assert not consistent(tree_root(rewritten[:old]), old, root, size, proof)
            assert not consistent(tree_root(leaves[:old]), old, root, size, [*proof, root])
            if proof:
                assert not consistent(tree_root(leaves[:old]), old, root, size, proof[:-1])
                for place in range(len(proof)):
                    changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
                    assert not consistent(tree_root(leaves[:old]), old, root, size, changed)


def test_proofs_of_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match="leaf 8 of 8"):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(ValueError, match="older log of 9"):
        consistency_proof(LEAVES, 9)
    assert not consistent(bytes(32), 0, bytes(32), 3, [])
    assert not includes(bytes(32), 0, bytes(32), 0, [])
    assert all(a != b for a, b in pairwise(ROOTS))
