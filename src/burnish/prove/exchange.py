"""Verdicts as Label Studio and COCO write them.

Label Studio: one task an item with a `choices` result named `verdict` and one named `reasons` (the format of
its JSON export). COCO: images, and one annotation over the whole picture for each verdict, its category the
verdict; who said it, why and how long it took stand under `attributes`, as CVAT writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from PIL import Image

from burnish.prove.review import VERDICTS
from burnish.prove.review_plan import OUTPUT


@dataclass(frozen=True)
class Verdict:
    """One verdict as files hold it; empty or None where it is not known."""

    item: str
    reviewer: str
    verdict: str
    reasons: tuple[str, ...] = ()
    seconds: float | None = None
    rework_minutes: float | None = None
    sha256: str = ""
    record: int | None = None
    kind: str = OUTPUT
    epoch: int | None = None


NAMES = tuple(field.name for field in fields(Verdict))


def number(value: Any) -> float | None:
    """A float, or None for nothing."""
    return None if value in (None, "") else float(value)


def whole(value: Any) -> int | None:
    """An int, or None for nothing."""
    return None if value in (None, "") else int(value)


def to_label_studio(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Tasks with their annotations."""
    tasks: dict[str, dict[str, Any]] = {}
    for v in verdicts:
        facts = {"sha256": v.sha256, "record": v.record}
        task = tasks.setdefault(
            v.item,
            {"id": len(tasks) + 1, "data": {"image": v.item}, "meta": facts, "annotations": []},
        )
        result = [_choice("verdict", [v.verdict])]
        result += [_choice("reasons", list(v.reasons))] if v.reasons else []
        about = {"kind": v.kind, "epoch": v.epoch, "rework_minutes": v.rework_minutes}
        task["annotations"].append(
            {"completed_by": {"email": v.reviewer}, "lead_time": v.seconds, "result": result, "meta": about}
        )
    return list(tasks.values())


def _choice(name: str, choices: list[str]) -> dict[str, Any]:
    return {"from_name": name, "to_name": "image", "type": "choices", "value": {"choices": choices}}


def from_label_studio(tasks: Any) -> list[Verdict]:
    """The inverse; cancelled annotations are left out.

    Raises:
        KeyError, TypeError, AttributeError, IndexError: It is something else.
    """
    found = []
    for task in tasks:
        data, facts = task["data"], task.get("meta") or {}
        item = data.get("image") or data.get("video") or data.get("text") or next(iter(data.values()), "")
        for annotation in task.get("annotations") or []:
            if annotation.get("was_cancelled"):
                continue
            by = annotation.get("completed_by", "")
            by = (by.get("email") or by.get("id", "")) if isinstance(by, dict) else by
            chosen = {
                r["from_name"]: r["value"]["choices"] for r in annotation["result"] if r["type"] == "choices"
            }
            about = annotation.get("meta") or {}
            found.append(
                Verdict(
                    item,
                    str(by),
                    chosen["verdict"][0],
                    tuple(chosen.get("reasons", ())),
                    number(annotation.get("lead_time")),
                    number(about.get("rework_minutes")),
                    facts.get("sha256") or "",
                    whole(facts.get("record")),
                    about.get("kind") or OUTPUT,
                    whole(about.get("epoch")),
                )
            )
    return found


def to_coco(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Images, categories and annotations."""
    images: dict[str, dict[str, Any]] = {}
    annotations = []
    for v in verdicts:
        if v.item not in images:
            width, height = _size(v.item)
            images[v.item] = {
                "id": len(images) + 1,
                "file_name": v.item,
                "width": width,
                "height": height,
                "sha256": v.sha256,
                "record": v.record,
            }
        image = images[v.item]
        about = {
            name: getattr(v, name) for name in ("reviewer", "seconds", "rework_minutes", "kind", "epoch")
        }
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": image["id"],
                "category_id": VERDICTS.index(v.verdict) + 1,
                "bbox": [0, 0, image["width"], image["height"]],
                "area": image["width"] * image["height"],
                "iscrowd": 0,
                "attributes": {**about, "reasons": list(v.reasons)},
            }
        )
    categories = [{"id": i, "name": name, "supercategory": "verdict"} for i, name in enumerate(VERDICTS, 1)]
    return {"images": list(images.values()), "categories": categories, "annotations": annotations}


def from_coco(given: Any) -> list[Verdict]:
    """The inverse.

    Raises:
        KeyError, TypeError, AttributeError: It is something else.
    """
    images = {image["id"]: image for image in given["images"]}
    names = {category["id"]: category["name"] for category in given["categories"]}
    found = []
    for annotation in given["annotations"]:
        image, about = images[annotation["image_id"]], annotation.get("attributes") or {}
        found.append(
            Verdict(
                image["file_name"],
                str(about["reviewer"]),
                names[annotation["category_id"]],
                tuple(about.get("reasons", ())),
                number(about.get("seconds")),
                number(about.get("rework_minutes")),
                image.get("sha256") or "",
                whole(image.get("record")),
                about.get("kind") or OUTPUT,
                whole(about.get("epoch")),
            )
        )
    return found


def _size(path: str) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError:
        return 0, 0
