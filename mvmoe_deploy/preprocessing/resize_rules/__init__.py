"""The rules by which an image gets the input's size: one file each, formulas of `docs/bundle.md`.

A rule only says where things lie; `resizing.py` makes the pixels. To add one, write its file, put
it into `RULES`, and its name into the field `resize` of `Preprocessing`.
"""

from mvmoe_deploy.preprocessing.resize_rules.border import Border
from mvmoe_deploy.preprocessing.resize_rules.contract import RULE_FIELDS, ResizeRule, RuleField
from mvmoe_deploy.preprocessing.resize_rules.letterbox import Letterbox
from mvmoe_deploy.preprocessing.resize_rules.squash import Squash
from mvmoe_deploy.preprocessing.resize_rules.timm import Timm
from mvmoe_deploy.preprocessing.resize_rules.torchvision import Torchvision

RULES: dict[str, ResizeRule] = {
    "timm": Timm(),
    "torchvision": Torchvision(),
    "squash": Squash(),
    "border": Border(),
    "letterbox": Letterbox(),
}
"""Every rule by its name in a manifest."""

__all__ = ["RULES", "RULE_FIELDS", "ResizeRule", "RuleField"]
