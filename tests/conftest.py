"""Tests keep their records in a folder of their own, never in the user's workspace; so do the commands
they start."""

import os
import tempfile

os.environ["BURNISH_WORKSPACE"] = tempfile.mkdtemp(prefix="burnish-workspace-")
for name in [name for name in os.environ if name.startswith("BURNISH_TARIFFS")]:
    del os.environ[name]
