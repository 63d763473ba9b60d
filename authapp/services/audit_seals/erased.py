"""Compares the events that have lost their personal data with the receipts of the erasures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from authapp.db import transaction

# A receipt counts if it is sealed or waits for it, if it is of an account or organization that is erased, and if it
# says how many leaves there are. That of an organization covers nothing else.
_ERASED = text("""
WITH counted AS (
    SELECT erased_by, count(*) AS leaves FROM audit_leaves WHERE salt IS NULL GROUP BY erased_by
), receipts AS (
    SELECT DISTINCT erased_by, receipt.organization_id FROM counted JOIN audit_events AS receipt
        ON receipt.details ->> 'erasure_id' = erased_by::text
        AND receipt.details -> 'erased' ->> 'audit_leaves' = leaves::text
        AND receipt.action IN ('user.erased', 'organization.purged')
    WHERE (EXISTS (SELECT FROM audit_leaves AS sealed WHERE sealed.event_id = receipt.id AND salt IS NOT NULL)
        OR EXISTS (SELECT FROM audit_unsealed AS waiting WHERE waiting.event_id = receipt.id))
        AND CASE WHEN receipt.action = 'user.erased' THEN receipt.organization_id IS NULL AND EXISTS (
            SELECT FROM users WHERE users.id = receipt.user_id AND erased_at IS NOT NULL
        ) ELSE EXISTS (
            SELECT FROM organizations WHERE organizations.id = receipt.organization_id AND purged_at IS NOT NULL
        ) END
), erased AS (
    SELECT leaf.tree_id, leaf.position, receipts.erased_by IS NOT NULL AS is_covered,
        receipts.organization_id IS NOT NULL OR EXISTS (
            SELECT FROM users WHERE users.id IN (event.user_id, event.actor_id) AND erased_at IS NOT NULL
        ) AS is_theirs
    FROM audit_leaves AS leaf JOIN audit_events AS event ON event.id = leaf.event_id
        LEFT JOIN receipts ON receipts.erased_by = leaf.erased_by
            AND (receipts.organization_id IS NULL OR receipts.organization_id = event.organization_id)
    WHERE leaf.salt IS NULL AND (CAST(:tree_id AS uuid) IS NULL OR leaf.tree_id = :tree_id)
), trees AS (
    SELECT tree_id, count(*) FILTER (WHERE NOT is_covered) AS uncovered,
        min(position) FILTER (WHERE NOT is_covered) AS position,
        count(*) FILTER (WHERE is_covered AND NOT is_theirs) AS by_address
    FROM erased GROUP BY tree_id
)
SELECT trees.*, event_id FROM trees LEFT JOIN audit_leaves USING (tree_id, position) ORDER BY tree_id
""")


def by_tree(organization_id: UUID | None) -> list[Any]:
    """How many events of each tree no receipt covers, the first of them, and how many only name an address.

    Args:
        organization_id: None: of all trees that have erased events.
    """
    return list(transaction.execute(_ERASED, {"tree_id": organization_id}))
