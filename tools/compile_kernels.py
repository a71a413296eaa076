"""Compiles every kernel, once for all processes that load them: each is compiled when its module is imported."""

import pol_oracle.canonical.commitments.trees
import pol_oracle.canonical.execution.execute
import pol_oracle.search.grouped.cpu_loops
import pol_oracle.search.grouped.winograd  # noqa: F401
