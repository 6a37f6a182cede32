"""See ARCHITECTURE.md."""

import os
import sys

# compiled loops are forgotten when a file changes that they call into; numba reads this when it is first imported
os.environ.setdefault("NUMBA_CACHE_LOCATOR_CLASSES", "twin.compiled.InTree,twin.compiled.UserWide")
if "numba" in sys.modules:
    sys.modules["numba"].config.CACHE_LOCATOR_CLASSES = os.environ["NUMBA_CACHE_LOCATOR_CLASSES"]
