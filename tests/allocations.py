"""Every verb while memory runs out: python tests/allocations.py [VERB ...]. Needs CPython's own test module.

The k-th allocation of Python objects, of the border, or of the core's adaptive method fails, for many k: the verb
raises MemoryError, or what f or NumPy make of one, or is right; and works afterwards. A crash ends the script.
"""

import _testcapi
import contextlib
import sys
import warnings

from verbs import VERBS

# NumPy 2.4 itself crashes where `array[:, i] += list` runs out of memory, which this verb calls; np.roll does too.
APART = {"mixed partial"}


def main():
    warnings.simplefilter("ignore")
    names = sys.argv[1:] or [name for name in VERBS if name not in APART]
    for name in names:
        run, f = VERBS[name]
        run(f)
        for k in range(0, 400, 3):
            with contextlib.suppress(MemoryError, SystemError, TypeError, ValueError, AttributeError, RuntimeError):
                _testcapi.set_nomemory(k, k + 1)
                try:
                    run(f)
                finally:
                    _testcapi.remove_mem_hooks()
        run(f)
    print(f"{len(names)} verbs while memory ran out")


if __name__ == "__main__":
    main()
