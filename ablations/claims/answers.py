"""What papers on tuning language models claim: baselines, ratios, the KL to the reference."""

from __future__ import annotations

from ablations.claims.claim import Claim, Comparison, Expected

LIU_KL = "Liu et al. 2025, arXiv 2510.01555, abstract"
SMALL = "A network of 28,320 weights and answers of 32 tokens in place of a large language model."
MARGIN = 0.25
"""Margin of the gold reward [words of an answer]: about 9 can be earned, and seeds of one variant
differ by 0.05 to 0.3."""


def _gold_comparison(
    variant: str, reference: str, expected: Expected, margin: float = 0.0
) -> Comparison:
    return Comparison(
        variant=variant,
        reference=reference,
        expected=expected,
        margin=margin,
        measure="gold_reward",
    )


CLAIMS = (
    Claim(
        name="reinforce_is_enough",
        source="Ahmadian et al. 2024, arXiv 2402.14740, abstract",
        claim="Where a language model is tuned, one policy-gradient step a batch with a baseline "
        "from the other answers does no worse than PPO.",
        differs=SMALL + " PPO has no critic here, and the group's mean as its baseline, too.",
        ablation="sequence",
        comparisons=(_gold_comparison("baseline", "clipped_ppo", "not worse", MARGIN),),
    ),
    Claim(
        name="grpo_deviation_not_needed",
        source="Liu et al. 2025, arXiv 2503.20783 (Dr. GRPO), abstract and Figure 1",
        claim="Without dividing by the group's deviation and by an answer's length GRPO learns as "
        "well.",
        differs=SMALL + " All answers have one length, so a bias towards long ones can't show.",
        ablation="answer_baselines",
        comparisons=(
            _gold_comparison("mean", "group_deviation", "not worse", MARGIN),
            _gold_comparison("without_length", "group_deviation", "not worse", MARGIN),
        ),
    ),
    Claim(
        name="clip_higher_keeps_entropy",
        source="Yu et al. 2025, arXiv 2503.14476 (DAPO), section 3.1 and Figure 2",
        claim="A ratio that may rise further than it may fall keeps the policy's entropy up.",
        differs=SMALL + " With a KL to the reference, which they leave out.",
        ablation="answer_ratios",
        comparisons=(
            Comparison(
                variant="clip_higher", reference="token", expected="better", measure="entropy"
            ),
        ),
    ),
    Claim(
        name="clip_higher_earns_more",
        source="Yu et al. 2025, arXiv 2503.14476 (DAPO), Table 1",
        claim="A ratio that may rise further than it may fall earns more.",
        numbers={"AIME 2024, without and with": "36, 38"},
        differs=SMALL + " With a KL to the reference, which they leave out.",
        ablation="answer_ratios",
        comparisons=(_gold_comparison("clip_higher", "token", "better"),),
    ),
    Claim(
        name="ratios_of_answers_learn_better",
        source="Zheng et al. 2025, arXiv 2507.18071 (GSPO), section 5",
        claim="Weighing and clipping whole answers, by the geometric mean of their tokens' ratios, "
        "learns more from the same data than ratios of tokens do.",
        numbers={"how far ρ may fall and rise": "3e-4, 4e-4"},
        differs=SMALL + " Their model is a mixture of experts, and their range is its; so a range "
        "that hardly ever clips may support it, too.",
        ablation="answer_ratios",
        comparisons=tuple(
            _gold_comparison(variant, "token", "better") for variant in ("gspo", "geometric_mean")
        ),
        needs="any",
    ),
    Claim(
        name="k3_estimates_best",
        source="Schulman 2020, joschu.net/blog/kl-approx.html",
        claim="As estimates of a KL, k1 and k3 are unbiased and k2 nearly so; k2 and k3 are never "
        "negative and vary less than k1, far less where the KL is small.",
        numbers={
            "N(0, 1) and N(0.1, 1), deviation/KL of k1, k2, k3": "20, 1.42, 1.42",
            "N(0, 1) and N(0.1, 1), bias/KL of k1, k2, k3": "0, 0.002, 0",
            "N(0, 1) and N(1, 1), deviation/KL of k1, k2, k3": "2, 1.73, 1.7",
            "N(0, 1) and N(1, 1), bias/KL of k1, k2, k3": "0, 0.25, 0",
        },
        decided_by="tests/algorithms/answers/test_kl_estimates.py::"
        "test_their_biases_and_deviations_are_those_of_schulman_s_note",
    ),
    Claim(
        name="k3_is_no_loss",
        source=f"{LIU_KL}; Tang & Munos 2025, arXiv 2506.09477",
        claim="In the loss, at the policy that wrote the batch, k1 penalises nothing, k2 has the "
        "gradient of the KL, and k3 has another one.",
        decided_by="tests/algorithms/answers/test_expectations_of_answers.py::"
        "test_a_penalty_in_the_loss_expects_what_it_says",
    ),
    Claim(
        name="k2_in_loss_is_k1_in_reward",
        source=LIU_KL,
        claim="On the policy's own answers k2 in the loss is the same penalty as k1 in the reward.",
        differs=SMALL + " In the rewards, k1 here credits a token with the KL of later ones, too.",
        ablation="answer_kl",
        comparisons=(_gold_comparison("k2_in_loss", "k1_in_reward", "no difference", MARGIN),),
    ),
    Claim(
        name="k1_in_reward_earns_more",
        source="Shah et al. 2025, arXiv 2512.21852, abstract",
        claim="On the policy's own answers, k1 in the reward, whose gradient is unbiased, earns "
        "more than k1 or k3 in the loss, whose gradients are biased.",
        differs=SMALL + " Four epochs a batch, so that after the first step answers are another's.",
        ablation="answer_kl",
        comparisons=(
            _gold_comparison("k1_in_reward", "k1_in_loss", "better"),
            _gold_comparison("k1_in_reward", "k3_in_loss", "better"),
        ),
    ),
)
