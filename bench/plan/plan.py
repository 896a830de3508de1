"""Plans: a requested ablation turned into the runs that answer its question."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ablations.spec import Ablation, Variant
from bench.errors import InputError, error_text, unknown
from bench.plan.back_ends import check_trains
from bench.plan.identity import Description, plain, plain_json
from bench.plan.lookup import load_algorithm, values_as_before
from bench.plan.parsing import checked, coerce, parse
from bench.plan.registry import algorithm_address, canonical_algorithm
from bench.plan.time_limits import check_can_be_limited
from bench.plan.without_effect import without_effect


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One variant in one environment: a description and its seeds.

    Attributes:
        differs: the hyperparameters whose values are not the algorithm's defaults.
    """

    variant: Variant
    environment: str
    description: Description
    seeds: tuple[int, ...]
    differs: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a request, ordered by environment, then by variant.

    Attributes:
        notes: what the user should know about how the request was understood.
        options: the `bench run` options that select the ablation; empty if its name is enough.
    """

    ablation: Ablation
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    options: str = ""

    def runs(self) -> dict[str, tuple[Description, int]]:
        """Return run -> (description, seed). A run that two variants share appears once."""
        return {
            cell.description.run(seed): (cell.description, seed)
            for cell in self.cells
            for seed in cell.seeds
        }

    def seeds(self, cell: Cell) -> tuple[int, ...]:
        """Return the seeds that fix n: all of the ablation's if the cell's are among them."""
        ablation_seeds = self.ablation.seeds
        return ablation_seeds if set(cell.seeds) <= set(ablation_seeds) else cell.seeds

    def rows(self, created: datetime) -> list[dict[str, object]]:
        """Return the rows of the store's table `plans`, one row per cell."""
        environments = list(dict.fromkeys(cell.environment for cell in self.cells))
        # A path may hold bytes that are no text.
        options = self.options.encode(errors="backslashreplace").decode()
        request: dict[str, object] = {"options": options} if options else {}
        if self.ablation.held_out:
            request["held_out"] = list(self.ablation.seeds)
        return [
            {
                "ablation": self.ablation.name,
                "title": self.ablation.title,
                "question": self.ablation.question,
                "created": created,
                "control": self.ablation.control,
                "compared_with": cell.variant.compared_with or None,
                "variant": cell.variant.name,
                "variant_title": cell.variant.title,
                "variant_order": self.ablation.variants.index(cell.variant),
                "environment": cell.environment,
                "environment_order": environments.index(cell.environment),
                "description": cell.description.identifier,
                "budget": cell.description.steps,
                "algorithm": cell.description.algorithm,
                "differs": plain_json(cell.differs),
                "metadata": json.dumps(
                    {
                        **_documentation(cell.description.algorithm),
                        "mechanism": self.ablation.mechanism,
                        "page": self.ablation.page,
                        "seeds": list(self.seeds(cell)),
                        **request,
                    },
                    ensure_ascii=False,
                    allow_nan=False,
                ),
            }
            for cell in self.cells
        ]


def make_plan(
    ablation: Ablation,
    *,
    back_end_of: Callable[[str], str],
    seeds: Sequence[int] | None = None,
    steps: int | None = None,
    time_limit: int | None = None,
    environments: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
    device: str = "cpu",
    options: str = "",
) -> Plan:
    """Return the plan of an ablation, or of a part of it or at another size.

    Args:
        back_end_of: environment id -> name of its back end, as `back_end_on` with a device gives.
        seeds, steps, time_limit, environments, variants: in place of the ablation's own;
            environments may be others than it names, variants are some of its own.
        settings: field -> text, for every selected variant whose algorithm has the field.
        device: "cpu" or "cuda".
        options: as in `Plan`.

    Raises:
        InputError: a name, field or value is not known or not allowed; an algorithm can't be
            trained in an environment; a seed isn't among the held-out ones of an ablation that has
            some; or a setting would override a field that a selected variant fixes, which would
            undo the contrast under test.
    """
    names = [variant.name for variant in ablation.variants]
    for name in variants or ():
        if name not in names:
            raise unknown(f"variant of {ablation.name}", name, names)
    selected = [
        variant for variant in ablation.variants if not variants or variant.name in variants
    ]
    if ablation.held_out and not set(seeds or ()) <= set(ablation.seeds):
        allowed = ",".join(map(str, ablation.seeds))
        raise InputError(
            f"ablation {ablation.name!r} is about the seeds {allowed}, which nothing else has "
            "seen; choose among them"
        )
    for name in dict.fromkeys(variant.algorithm for variant in selected):
        _check_documentation(name)
    values = {variant.name: _hyperparameters(variant, settings or {}) for variant in selected}
    notes = [*_check_settings(selected, settings or {}), *_without_effect(selected, values)]
    if device == "cpu":
        notes += _without_slope(selected)
    environment_ids = tuple(dict.fromkeys(environments or ablation.environments))
    cells = []
    for environment in environment_ids:
        for variant in selected:
            back_end = back_end_of(environment)
            algorithm = load_algorithm(variant.algorithm)
            check_trains(variant.algorithm, algorithm, environment, back_end)
            limit = time_limit or ablation.limit(environment)
            check_can_be_limited(environment, back_end, limit)
            defaults = _values_of(algorithm.hyperparameters())
            description = Description(
                algorithm=canonical_algorithm(variant.algorithm),
                hyperparameters=values[variant.name],
                environment=environment,
                steps=steps or ablation.budget(environment),
                back_end=back_end,
                device=device,
                time_limit=limit,
                as_before=values_as_before(algorithm),
            )
            cells.append(
                Cell(
                    variant=variant,
                    environment=environment,
                    description=description,
                    seeds=tuple(seeds or ablation.seeds),
                    differs={
                        name: value
                        for name, value in values[variant.name].items()
                        if value != defaults[name]
                    },
                )
            )
    return Plan(ablation=ablation, cells=tuple(cells), notes=tuple(notes), options=options)


def _without_effect(
    variants: Sequence[Variant], values: Mapping[str, Mapping[str, object]]
) -> Iterator[str]:
    """Yield a line for each hyperparameter that is set and changes nothing."""
    for variant in variants:
        algorithm = load_algorithm(variant.algorithm)
        defaults = _values_of(algorithm.hyperparameters())
        for name, reason in without_effect(algorithm.name, values[variant.name]):
            if values[variant.name][name] != defaults[name]:
                where = f"{algorithm.name} {reason}".rstrip()
                yield f"{variant.name}: {name} changes nothing in {where}."


def _without_slope(variants: Sequence[Variant]) -> list[str]:
    """Return a line for each algorithm whose surrogate objective has no compiled kernel."""
    from algorithms.hyperparameters import SurrogateHyperparameters

    slow = {}
    for variant in variants:
        algorithm = load_algorithm(variant.algorithm)
        surrogate = issubclass(algorithm.hyperparameters, SurrogateHyperparameters)
        if surrogate and algorithm.slope is None:
            slow[algorithm.name] = (
                f"{algorithm.name} has no slope beside its objective: it is differentiated by "
                "torch, which takes several times as long as a kernel (docs/extending.md)."
            )
    return list(slow.values())


def _hyperparameters(variant: Variant, settings: Mapping[str, str]) -> dict[str, object]:
    """Return all hyperparameters of a variant: defaults, those it fixes, the user's settings."""
    algorithm = load_algorithm(variant.algorithm)
    kinds = typing.get_type_hints(algorithm.hyperparameters)
    fields = {field.name: field for field in dataclasses.fields(algorithm.hyperparameters)}
    values = _values_of(algorithm.hyperparameters())
    for name, value in variant.hyperparameters.items():
        if name not in fields:
            raise unknown(f"hyperparameter of variant {variant.name!r}", name, fields)
        try:
            values[name] = checked(fields[name], kinds[name], value, coerce)
        except InputError as error:
            raise InputError(f"variant {variant.name!r}: {error}") from error
    for name, text in settings.items():
        if name in variant.hyperparameters:
            raise InputError(
                f"variant {variant.name!r} is about {name} = "
                f"{plain(variant.hyperparameters[name])}; {name} can't be set to {text} "
                "without undoing the comparison. Choose other variants, or write an ablation"
            )
        if name in fields:
            values[name] = checked(fields[name], kinds[name], text, parse)
    return values


def _check_settings(selected: Sequence[Variant], settings: Mapping[str, str]) -> list[str]:
    """Check that each setting applies to a variant; return a note if it doesn't apply to all."""
    notes = []
    fields = {
        variant.name: [
            field.name
            for field in dataclasses.fields(load_algorithm(variant.algorithm).hyperparameters)
        ]
        for variant in selected
    }
    for name, text in settings.items():
        affected = [variant for variant, names in fields.items() if name in names]
        if not affected:
            known_fields = dict.fromkeys(field for names in fields.values() for field in names)
            raise unknown("field", name, known_fields)
        if len(affected) < len(fields):
            notes.append(
                f"{name} = {text} applies to {', '.join(affected)}; the other variants' algorithms "
                f"have no {name}"
            )
    return notes


def _values_of(hyperparameters: typing.Any) -> dict[str, object]:
    return {
        field.name: getattr(hyperparameters, field.name)
        for field in dataclasses.fields(hyperparameters)
    }


def _check_documentation(name: str) -> None:
    """Refuse an algorithm whose declarations can't be stored, before anything is trained."""
    try:
        json.dumps(_documentation(name), ensure_ascii=False, allow_nan=False).encode()
    except InputError:  # of an algorithm that isn't there
        raise
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the declarations of algorithm {name!r} can't be stored: {error_text(error)}"
        ) from error


def _documentation(name: str) -> dict[str, object]:
    """Return what a report says about an algorithm, so that it imports neither that nor torch."""
    algorithm = load_algorithm(name)
    module = algorithm_address(name).partition(":")[0]
    return {
        "title": algorithm.title,
        "equation": algorithm.equation,
        "source": module.replace(".", "/") + ".py",
        "hyperparameters": {
            field.name: {
                "default": plain(field.default),
                **{key: plain(value) for key, value in field.metadata.items()},
            }
            for field in dataclasses.fields(algorithm.hyperparameters)
        },
    }
