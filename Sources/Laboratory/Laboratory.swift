public import Experiments
