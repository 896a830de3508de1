"""What the methods of a table are taken from, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ENTRIES: Final = {
    "efron1993bootstrap": """@book{efron1993bootstrap,
  author    = {Efron, Bradley and Tibshirani, Robert J.},
  title     = {An Introduction to the Bootstrap},
  publisher = {Chapman \\& Hall},
  year      = {1993},
}""",
    "pitman1937significance": """@article{pitman1937significance,
  author  = {Pitman, E. J. G.},
  title   = {Significance Tests Which May be Applied to Samples from Any Populations},
  journal = {Supplement to the Journal of the Royal Statistical Society},
  volume  = {4},
  number  = {1},
  pages   = {119--130},
  year    = {1937},
}""",
    "holm1979simple": """@article{holm1979simple,
  author  = {Holm, Sture},
  title   = {A Simple Sequentially Rejective Multiple Test Procedure},
  journal = {Scandinavian Journal of Statistics},
  volume  = {6},
  number  = {2},
  pages   = {65--70},
  year    = {1979},
}""",
    "todorov2012mujoco": """@inproceedings{todorov2012mujoco,
  author    = {Todorov, Emanuel and Erez, Tom and Tassa, Yuval},
  title     = {{MuJoCo}: A Physics Engine for Model-Based Control},
  booktitle = {IEEE/RSJ International Conference on Intelligent Robots and Systems},
  pages     = {5026--5033},
  year      = {2012},
}""",
    "weng2022envpool": """@inproceedings{weng2022envpool,
  author    = {Weng, Jiayi and Lin, Min and Huang, Shengyi and Liu, Bo and Makoviichuk, Denys and
               Makoviychuk, Viktor and Liu, Zichen and Song, Yufan and Luo, Ting and Jiang, Yukun
               and Xu, Zhongwen and Yan, Shuicheng},
  title     = {{EnvPool}: A Highly Parallel Reinforcement Learning Environment Execution Engine},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {35},
  year      = {2022},
}""",
    "towers2024gymnasium": """@misc{towers2024gymnasium,
  author        = {Towers, Mark and Kwiatkowski, Ariel and Terry, Jordan and others},
  title         = {Gymnasium: A Standard Interface for Reinforcement Learning Environments},
  eprint        = {2407.17032},
  archivePrefix = {arXiv},
  year          = {2024},
}""",
}
"""Key -> entry."""

OF_PACKAGES: Final = {
    "mujoco": "todorov2012mujoco",
    "envpool": "weng2022envpool",
    "gymnasium": "towers2024gymnasium",
}
"""Package -> the key of what describes it."""


def bibliography(keys: Iterable[str]) -> str:
    """The entries of these keys, each once."""
    return "\n\n".join(ENTRIES[key] for key in dict.fromkeys(keys)) + "\n"
