"""The tables of a store: what each column means, and in which unit.

This is the one place where the columns are documented: `SCHEMAS["runs"].field("seed").metadata`.
An older file may lack a nullable column, which is read as null, so a new column has to be nullable;
a newer file may have columns that aren't known here; a file that differs in anything else is
foreign.
"""

from __future__ import annotations

import pyarrow as pa


def _column(
    name: str,
    kind: pa.DataType,
    meaning: str,
    unit: str = "",
    *,
    nullable: bool = False,
) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"meaning": meaning, "unit": unit})


def _diagnostic(name: str, meaning: str, unit: str = "") -> pa.Field:
    return _column(name, pa.float32(), meaning, unit, nullable=True)


JSON = "JSON"
SEAL = "seal"
TEXT, INTEGER, SMALL, REAL = pa.string(), pa.int64(), pa.int32(), pa.float64()
TIME = pa.timestamp("us", tz="UTC")

RUN = _column("run", TEXT, "run: one seed of one description", "16 hex digits")
# Single precision saves a quarter of a published file, and resolves 1 ms for four hours.
SECONDS = _column("seconds", pa.float32(), "wall time since training started; NaN: not known", "s")
SEALED = _column(SEAL, TEXT, "checksum of all else in the file", "16 hex digits", nullable=True)

RUNS = pa.schema(
    [
        RUN,
        _column("description", TEXT, "what was trained, without the seed", "16 hex digits"),
        _column("algorithm", TEXT, "name of the algorithm"),
        _column("environment", TEXT, "identifier of the environment"),
        _column("seed", INTEGER, "seed of every random stream of the run"),
        _column("budget", INTEGER, "steps the run was given", "environment steps"),
        _column("hyperparameters", TEXT, "all hyperparameters, defaults included", "JSON"),
        _column("canonical", TEXT, "the canonical description that is hashed", "JSON"),
        _column("back_end", TEXT, "what stepped the environment; imported: not trained here"),
        _column("device", TEXT, "where the networks ran: cpu or cuda"),
        _column("evaluation", TEXT, "rule by which returns are measured"),
        _column("status", TEXT, "finished, diverged, failed or pruned"),
        _column(
            "reason",
            TEXT,
            "why it isn't finished; of a finished run, what is odd about it",
            nullable=True,
        ),
        _column("diverged_at", INTEGER, "step it diverged at", "environment steps", nullable=True),
        _column("steps", INTEGER, "steps taken", "environment steps"),
        _column("episodes", INTEGER, "episodes completed", "episodes"),
        _column(
            "updates",
            INTEGER,
            "updates of the parameters, if it diverged those up to its last row",
            "updates",
        ),
        _column(
            "seconds", REAL, "wall time of its group until this seed finished; NaN: not known", "s"
        ),
        _column("group_size", SMALL, "seeds trained together", "seeds"),
        _column("threads", SMALL, "threads of the worker", "threads"),
        _column("started", TIME, "when training started", "UTC"),
        _column("digest", TEXT, "digest of the code that can move the result", "hex digits"),
        _column(
            "adopted",
            TEXT,
            "digest of later code that gave the description's first steps again, bit for bit",
            "hex digits",
            nullable=True,
        ),
        _column("commit", TEXT, "commit of the repository", "hex digits", nullable=True),
        _column("dirty", pa.bool_(), "the working tree differed from it", nullable=True),
        _column("versions", TEXT, "package -> version", "JSON"),
        _column(
            "machine",
            TEXT,
            "processor and model, cores, memory, system; or imported file",
            "JSON",
        ),
        _column(
            "parts",
            TEXT,
            "checksum of its file of episodes, of updates, and of its policy: they are named by it",
            "JSON",
            nullable=True,
        ),
        _column(
            "rounding",
            TEXT,
            "column of episodes or updates -> by how much its numbers may be off, since it was "
            "published; null: by nothing",
            "JSON",
            nullable=True,
        ),
        SEALED,
    ],
    metadata={"table": "runs", "meaning": "one row a run: description, provenance, status"},
)

EPISODES = pa.schema(
    [
        RUN,
        _column("step", INTEGER, "steps of that seed at the episode's end", "environment steps"),
        _column(
            "return",
            REAL,
            "sum of the raw rewards, at the environment's boundary",
            "reward",
        ),
        _column("length", SMALL, "steps of the episode; 0: not known", "environment steps"),
        # Not published: updates have them, too.
        SECONDS.with_nullable(True),
    ],
    metadata={"table": "episodes", "meaning": "one row a completed training episode"},
)

UPDATES = pa.schema(
    [
        RUN,
        _column("update", SMALL, "number of the update within the run", "updates"),
        _column("step", INTEGER, "steps of that seed at the update", "environment steps"),
        SECONDS,
        _diagnostic("entropy", "mean entropy of the policy at the visited states", "nats"),
        _diagnostic("explained_variance", "1 - Var[target - V] / Var[target]"),
        _diagnostic("value_loss", "loss of the critic"),
        _diagnostic("gradient_norm", "norm of the gradient before clipping"),
        _diagnostic(
            "gradient_variance",
            "trace of the covariance of the batch's gradient, from the spread of its slots (of "
            "answers, as if those to one prompt were independent: somewhat too small); with "
            "minibatches by the advantages before they are standardised",
        ),
        _diagnostic(
            "gradient_signal_to_noise",
            "(squared norm of the batch's gradient - gradient_variance) / gradient_variance: "
            "0 for pure noise",
        ),
        _diagnostic("kl_mean", "mean KL(old, new) over the batch, after the last epoch", "nats"),
        _diagnostic("kl_max", "largest KL(old, new) of a state of the batch", "nats"),
        _diagnostic("ratio_q01", "1% quantile of the probability ratio new / old"),
        _diagnostic("ratio_q50", "median of the probability ratio new / old"),
        _diagnostic("ratio_q99", "99% quantile of the probability ratio new / old"),
        _diagnostic("effective_sample_size", "(sum w)^2 / (n sum w^2) of the ratios w", "fraction"),
        _diagnostic("clip_fraction", "ratios outside the clip range", "fraction"),
        _diagnostic("beta", "weight of the KL penalty"),
        _diagnostic("learning_rate", "step size of the optimiser"),
        _diagnostic("log_std_mean", "mean log standard deviation of the actions"),
        _diagnostic(
            "reference_kl",
            "KL(policy, frozen reference) of a token's distribution, mean over the batch's states "
            "under the policy that wrote it",
            "nats",
        ),
        _diagnostic(
            "gold_reward",
            "what the batch's answers are worth by the measure that the reward stands for",
            "reward",
        ),
        _diagnostic("batch_steps", "steps in the batch", "environment steps"),
    ],
    metadata={
        "table": "updates",
        "meaning": "one row an update, some thousand a run at most; null = does not apply",
    },
)

PLANS = pa.schema(
    [
        _column("ablation", TEXT, "name of the ablation"),
        _column("title", TEXT, "title of the ablation"),
        _column("question", TEXT, "the question it answers"),
        _column("created", TIME, "when it was asked for", "UTC"),
        _column("control", TEXT, "variant that those are compared with which name no other"),
        _column(
            "compared_with", TEXT, "variant this one is compared with; null: control", nullable=True
        ),
        _column("variant", TEXT, "name of the variant"),
        _column("variant_title", TEXT, "title of the variant"),
        _column("variant_order", SMALL, "place of the variant in tables and figures"),
        _column("environment", TEXT, "identifier of the environment"),
        _column("environment_order", SMALL, "place of the environment in tables and figures"),
        _column("description", TEXT, "description that is trained for it", "16 hex digits"),
        _column("budget", INTEGER, "steps a run is given", "environment steps"),
        _column("algorithm", TEXT, "name of the algorithm"),
        _column("differs", TEXT, "what differs from the algorithm's defaults", "JSON"),
        _column("metadata", TEXT, "equation, source, hyperparameters, mechanism", "JSON"),
        SEALED,
    ],
    metadata={"table": "plans", "meaning": "one row a variant and environment, as last asked for"},
)

THROUGHPUT = pa.schema(
    [
        _column("session", TEXT, "one call of `bench throughput`", "16 hex digits"),
        _column("measured", TIME, "when the measurement ended", "UTC"),
        _column("kind", TEXT, "bare (a loop that only steps), training, or peer"),
        _column("name", TEXT, "bare, the algorithm, or the peer"),
        _column("environment", TEXT, "identifier of the environment"),
        _column("seeds", SMALL, "seeds trained together on the core; 0 if not ours", "seeds"),
        _column("environments", SMALL, "environments stepped on the core", "environments"),
        _column("round", SMALL, "round of the session"),
        _column("core", SMALL, "number of the core among those used at once"),
        _column("cores", SMALL, "cores used at once", "cores"),
        _column("threads", SMALL, "threads of the process", "threads"),
        _column("steps", INTEGER, "steps taken, warm-up left out", "environment steps"),
        _column("seconds", REAL, "wall time they took", "s"),
        _column("cpu_share", REAL, "processor time over wall time"),
        _column("physics", REAL, "share of the wall time in the environments", nullable=True),
        _column("acting", REAL, "share in the rest of the rollout", nullable=True),
        _column("update", REAL, "share in the algorithm's update", nullable=True),
        _column("memory", REAL, "resident memory of the process at the end", "MiB"),
        _column("commit", TEXT, "commit of the repository", "hex digits", nullable=True),
        _column("dirty", pa.bool_(), "the working tree differed from it", nullable=True),
        _column("versions", TEXT, "package -> version", "JSON"),
        _column("machine", TEXT, "processor and model, cores, memory, system", "JSON"),
        SEALED,
    ],
    metadata={"table": "throughput", "meaning": "one row a round, rival and core"},
)

DEVICE_THROUGHPUT = pa.schema(
    [
        _column("measured", TIME, "when the measurement ended", "UTC"),
        _column("device", TEXT, "the GPU's name, or cpu"),
        _column("kind", TEXT, "physics alone, whole environment steps, or training"),
        _column("name", TEXT, "the algorithm, empty where nothing is trained"),
        _column("environment", TEXT, "identifier of the environment"),
        _column("seeds", SMALL, "seeds trained together, 0 where nothing is trained", "seeds"),
        _column("worlds", INTEGER, "environments stepped at once", "environments"),
        _column("ticks", INTEGER, "steps that every world took", "environment steps"),
        _column("steps", INTEGER, "steps of all worlds, warm-up left out", "environment steps"),
        _column("substeps", SMALL, "steps of the physics in one of the environment"),
        _column("seconds", REAL, "wall time they took", "s"),
        _column("update", REAL, "share of it in the algorithm's updates", nullable=True),
        _column("busy", REAL, "share of it in which the device computed", nullable=True),
        _column("memory", REAL, "memory of the device in use", "MiB", nullable=True),
        _column("commit", TEXT, "commit of the repository", "hex digits", nullable=True),
        _column("dirty", pa.bool_(), "the working tree differed from it", nullable=True),
        _column("versions", TEXT, "package -> version", "JSON"),
        _column("machine", TEXT, "processor and model, cores, memory, system", "JSON"),
        SEALED,
    ],
    metadata={"table": "device_throughput", "meaning": "one row a measurement on a device"},
)

EVALUATIONS = pa.schema(
    [
        RUN,
        _column("actions", TEXT, "deterministic (the mode of π_θ) or sampled"),
        _column("seed", INTEGER, "of the episodes"),
        _column(
            "time_limit",
            INTEGER,
            "steps after which one was cut off; null: the environment's own",
            "environment steps",
            nullable=True,
        ),
        _column("episode", SMALL, "number of the episode"),
        _column("return", REAL, "sum of the raw rewards", "reward"),
        _column("length", SMALL, "steps of the episode", "environment steps"),
        _column(
            "trained",
            TIME,
            "when the training that gave the policy started; null: not known",
            "UTC",
            nullable=True,
        ),
        SEALED,
    ],
    metadata={"table": "evaluations", "meaning": "one row an episode of a trained policy"},
)

SCHEMAS: dict[str, pa.Schema] = {
    "runs": RUNS,
    "episodes": EPISODES,
    "updates": UPDATES,
    "plans": PLANS,
}

# A diverged run is a result: it is not trained again. A failed one is, and so is one that a tuner
# gave up before its end.
RESULTS = ("finished", "diverged")
PRUNED = "pruned"
STATUSES = (*RESULTS, "failed", PRUNED)

IMPORTED = "imported"
"""Back end and digest of a run whose curve was read from a file, not trained here."""
