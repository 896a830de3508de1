"""What an ablation is: a question, the variants that answer it and where they are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_STEPS = 2**63 - 1
"""Seeds and steps are stored in 64 bits, signed."""
LONGEST_LIMIT = 10**9
"""Back ends count the steps of an episode in 32 bits, signed."""
PAGES = ("curves", "figure_3", "table_1", "kl", "hundred_seeds")
LONGEST_NAME = 200
"""Most letters of a name: with endings, it is a file's name on systems that take 255."""
LONGEST_TEXT = 1000
"""Most letters of a title or a question that a figure can show."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to compare: an algorithm and the hyperparameters that make the difference.

    Attributes:
        name: short name for the command line and the store, unique within its ablation.
        algorithm: a name of `algorithms.ALGORITHMS`.
        title: its title in figures and tables; the name in words if left empty.
        hyperparameters: what this variant fixes. Everything else keeps the algorithm's default.
        compared_with: the name of the variant it is compared with; the control if left empty.

    Raises:
        ValueError: the name can't be used on a command line or as part of a file name; a text is no
            string or holds characters that can't be written; the hyperparameters are no mapping.
    """

    name: str
    algorithm: str
    title: str = ""
    hyperparameters: Mapping[str, object] = field(default_factory=dict, hash=False)
    compared_with: str = ""

    def __post_init__(self) -> None:
        _check_name("variant", self.name)
        owner = f"of variant {self.name!r}"
        for kind in ("algorithm", "compared_with"):
            _checked_text(f"{kind} {owner}", getattr(self, kind))
        title = _checked_text(f"title {owner}", self.title) or self.name.replace("_", " ")
        object.__setattr__(self, "title", title)
        if not isinstance(self.hyperparameters, Mapping) or not all(
            isinstance(name, str) for name in self.hyperparameters
        ):
            raise ValueError(f"hyperparameters {owner} must be a mapping of their names")
        object.__setattr__(self, "hyperparameters", dict(self.hyperparameters))


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A question about ingredients, and the comparison that answers it.

    Attributes:
        name: short name for the command line and the store.
        title: its title in figures and tables.
        question: the question in one sentence, with its question mark.
        environments: environment ids, in the order in which they are shown.
        variants: what is compared, in the order in which it is shown.
        control: name of the variant that the others are compared with unless they name another one.
        steps: budget of a run [environment steps], one for all or one for each environment.
        time_limit: steps after which an episode is cut off, one for all environments or one for
            each of those named; the others keep their own.
        seeds: the seeds of every variant in every environment.
        mechanism: columns of the store's `updates` table that show why the curves differ.
        page: what its results look like: "curves" against steps; "figure_3", as that of the PPO
            paper, with the control against its rivals; "table_1", normalised beside that paper's;
            "kl", rewards against the KL to a reference.
        held_out: whether the seeds are this question's alone, which looking at others has raised:
            no other ablation's figures and tables count them, and this one's count no others.

    Raises:
        ValueError: fields are wrong or contradict each other; the message is one line.
    """

    name: str
    title: str
    question: str
    environments: tuple[str, ...]
    variants: tuple[Variant, ...]
    control: str
    steps: int | Mapping[str, int] = field(hash=False)
    time_limit: int | Mapping[str, int] | None = field(default=None, hash=False)
    seeds: tuple[int, ...] = tuple(range(10))
    mechanism: tuple[str, ...] = ()
    page: str = "curves"
    held_out: bool = False

    def __post_init__(self) -> None:
        _check_name("ablation", self.name)
        if self.page not in PAGES:
            raise ValueError(
                f"page of ablation {self.name!r} is {self.page!r}; allowed: {', '.join(PAGES)}"
            )
        for kind in ("title", "question"):
            text = _checked_text(f"{kind} of ablation {self.name!r}", getattr(self, kind))
            object.__setattr__(self, kind, text)
        if not self.question:
            raise ValueError(f"ablation {self.name!r} states no question")
        for kind in ("environments", "variants", "seeds", "mechanism"):
            # ("Hopper-v5") without its comma is a string, which is also a sequence.
            if not isinstance(getattr(self, kind), tuple):
                raise ValueError(f"{kind} of ablation {self.name!r} must be a tuple")
            if kind != "mechanism" and not getattr(self, kind):
                raise ValueError(f"ablation {self.name!r} has no {kind}")
        self._check_kinds()
        names = tuple(variant.name for variant in self.variants)
        for kind, values in (
            ("variant", names),
            ("environment", self.environments),
            ("seed", self.seeds),
        ):
            for value in values:
                if values.count(value) > 1:
                    raise ValueError(f"ablation {self.name!r} names {kind} {value!r} twice")
        if self.control not in names:
            raise ValueError(
                f"control {self.control!r} of ablation {self.name!r} is none of its variants: "
                + ", ".join(names)
            )
        self._check_references(names)
        for seed in self.seeds:
            if not _is_integer(seed) or not 0 <= seed <= MOST_STEPS:
                raise ValueError(
                    f"seed {seed!r} of ablation {self.name!r} is no integer from 0 to 2**63 - 1"
                )
        self._check_steps()
        self._check_time_limit()

    def _check_kinds(self) -> None:
        for variant in self.variants:
            if not isinstance(variant, Variant):
                kind = type(variant).__name__
                raise ValueError(f"variants of ablation {self.name!r} hold a {kind}, no Variant")
        for kind in ("environments", "mechanism"):
            for name in getattr(self, kind):
                _checked_text(f"each of the {kind} of ablation {self.name!r}", name)
        if not isinstance(self.held_out, bool):
            raise ValueError(f"held_out of ablation {self.name!r} must be True or False")

    def _check_references(self, names: tuple[str, ...]) -> None:
        for variant in self.variants:
            if not variant.compared_with:
                continue
            prefix = (
                f"variant {variant.name!r} of ablation {self.name!r} can't be compared with "
                f"{variant.compared_with!r}, which is "
            )
            if variant.compared_with not in names:
                raise ValueError(f"{prefix}none of its variants: {', '.join(names)}")
            if variant.compared_with == variant.name:
                raise ValueError(f"{prefix}itself")
            if variant.name == self.control:
                raise ValueError(f"{prefix}compared with it, the control")

    def _check_steps(self) -> None:
        if isinstance(self.steps, Mapping):
            object.__setattr__(self, "steps", dict(self.steps))
            if set(self.steps) != set(self.environments):
                raise ValueError(
                    f"steps of ablation {self.name!r} must name exactly its environments, "
                    f"{', '.join(self.environments)}, not {', '.join(self.steps)}"
                )
        for steps in self.steps.values() if isinstance(self.steps, Mapping) else (self.steps,):
            if not _is_integer(steps) or not 1 <= steps <= MOST_STEPS:
                raise ValueError(
                    f"steps of ablation {self.name!r} must be an integer from 1 on, not {steps!r}"
                )

    def _check_time_limit(self) -> None:
        if self.time_limit is None:
            return
        limits: Iterable[object] = (self.time_limit,)
        if isinstance(self.time_limit, Mapping):
            object.__setattr__(self, "time_limit", dict(self.time_limit))
            for environment in self.time_limit:
                if environment not in self.environments:
                    raise ValueError(
                        f"time_limit of ablation {self.name!r} names {environment!r}, which is "
                        f"none of its environments: {', '.join(self.environments)}"
                    )
            limits = self.time_limit.values()
        for limit in limits:
            if not (isinstance(limit, int) and _is_integer(limit) and 1 <= limit <= LONGEST_LIMIT):
                raise ValueError(
                    f"time_limit of ablation {self.name!r} must be an integer from 1 to "
                    f"{LONGEST_LIMIT}, not {limit!r}"
                )

    def reference(self, variant: Variant) -> str:
        """Return the name of the variant to compare `variant` with; the control's is its own."""
        return variant.compared_with or self.control

    def budget(self, environment: str) -> int:
        """Return a run's steps in `environment`; the largest budget for one that isn't listed."""
        if not isinstance(self.steps, Mapping):
            return self.steps
        return self.steps.get(environment, max(self.steps.values()))

    def limit(self, environment: str) -> int | None:
        """Return the steps after which an episode is cut off; None for the environment's own."""
        if isinstance(self.time_limit, Mapping):
            return self.time_limit.get(environment)
        return self.time_limit


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{kind} name {name!r} may hold only letters, digits, '_', '.' and '-', "
            "and starts with a letter or digit"
        )
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"{kind} name {name[:40] + '…'!r} has {len(name)} letters, {LONGEST_NAME} are allowed"
        )


def _checked_text(label: str, text: object) -> str:
    """Return a text on one line, which any file can hold.

    Raises:
        ValueError: it is no string, too long, or holds characters that can't be written.
    """
    if not isinstance(text, str):
        raise ValueError(f"{label} must be a text, not of type {type(text).__name__}")
    line = " ".join(text.split())
    for letter in line:
        if unicodedata.category(letter) in ("Cc", "Cs"):
            raise ValueError(f"{label} holds U+{ord(letter):04X}, which can't be written")
    if len(line) > LONGEST_TEXT:
        raise ValueError(f"{label} has {len(line)} letters, {LONGEST_TEXT} are allowed")
    return line


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
