"""``DeferredAnalyses`` in the ledger table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelwatch_core.adapters.aws.versioned_items import INDEX, Listing, VersionedItems
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.temporary_endpoint import DeferredAnalysis


@dataclass(frozen=True, slots=True)
class TableDeferredAnalyses:
    """``DeferredAnalyses`` in the ledger table."""

    items: VersionedItems

    def get(self, endpoint_name: str) -> DeferredAnalysis | None:
        """Return the analysis of an endpoint, or None."""
        return self.items.document(DeferredAnalysis, f"DEFERRED#{endpoint_name}", "ANALYSIS")

    def save(self, analysis: DeferredAnalysis) -> None:
        """Write an analysis."""
        item = {
            "pk": f"DEFERRED#{analysis.endpoint_name}",
            "sk": "ANALYSIS",
            "list": "DEFERRED",
            "list_key": iso_utc(analysis.creation_time),
            "version": analysis.version,
            "document": analysis.model_dump_json(),
        }
        self.items.put(item, exists="DeferredAnalysisExists")

    def delete(self, endpoint_name: str) -> None:
        """Forget an analysis."""
        self.items.delete({"pk": f"DEFERRED#{endpoint_name}", "sk": "ANALYSIS"})

    def endpoint_names(self) -> Iterator[str]:
        """Yield the name of the endpoint of every analysis, also of one that cannot be read."""
        for item in self.items.listed(Listing(INDEX, "DEFERRED")):
            yield str(item["pk"]).removeprefix("DEFERRED#")
