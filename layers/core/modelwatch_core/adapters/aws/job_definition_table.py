"""``JobDefinitions`` in the ledger table."""

from __future__ import annotations

from dataclasses import dataclass

from modelwatch_core.adapters.aws.versioned_items import (
    INDEX,
    TIMELINE,
    Item,
    Listing,
    VersionedItems,
    at_version,
    changed_meanwhile,
)
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.sagemaker_api.job_definitions import JobDefinition
from modelwatch_core.ports import Page


@dataclass(frozen=True, slots=True)
class TableJobDefinitions:
    """``JobDefinitions`` in the ledger table."""

    items: VersionedItems

    def get(self, monitoring_type: str, name: str) -> JobDefinition | None:
        """Return a definition, or None."""
        return self.items.document(JobDefinition, f"JOB_DEFINITION#{monitoring_type}#{name}", "DEFINITION")

    def save(self, definition: JobDefinition) -> None:
        """Write a definition."""
        kind, name = definition.monitoring_type, definition.job_definition_name
        item = self._key(definition) | {
            "list": f"JOB_DEFINITIONS#{kind}",
            "list_key": name,
            "time_list": f"JOB_DEFINITIONS#{kind}",
            "time_key": f"{iso_utc(definition.creation_time)}#{name}",
            "version": definition.version,
            "document": definition.model_dump_json(),
        }
        self.items.put(item, exists="JobDefinitionExists")

    def delete(self, definition: JobDefinition) -> None:
        """Remove a definition."""
        key = self._key(definition)
        if self.items.transacted(self.items.delete_of(key, **at_version(definition.version))):
            raise changed_meanwhile(key["pk"])

    def page(
        self,
        monitoring_type: str,
        *,
        limit: int,
        after: str | None = None,
        by_creation: bool = True,
        descending: bool = True,
    ) -> Page[JobDefinition]:
        """Return a page of definitions."""
        index = TIMELINE if by_creation else INDEX
        asked = Listing(index, f"JOB_DEFINITIONS#{monitoring_type}", limit, after, descending)
        return self.items.page(JobDefinition, asked)

    @staticmethod
    def _key(definition: JobDefinition) -> Item:
        pk = f"JOB_DEFINITION#{definition.monitoring_type}#{definition.job_definition_name}"
        return {"pk": pk, "sk": "DEFINITION"}
