"""What MuJoCo Warp steps here. Imports nothing, so that planning a run needs no GPU library."""

WARP_IDS = (
    "Ant-v5",
    "HalfCheetah-v5",
    "Hopper-v5",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v5",
    "Reacher-v5",
    "Swimmer-v5",
    "Walker2d-v5",
)
