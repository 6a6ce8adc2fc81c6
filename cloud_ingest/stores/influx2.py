"""What has to be made once on an InfluxDB 2.x, by influxdb-client: organisation, bucket, DBRP mapping, tokens.

Each method makes what is missing, corrects what differs and answers with what is there, so that the same set-up may
run again at any time. The paths used are those of the 2.x API documents (`/api/v2/orgs`, `buckets`, `dbrps`,
`authorizations`); no 2.x server was at hand here, so the tests hold them against a stub that keeps these documents.
"""

# mypy: disable-error-code="attr-defined,no-untyped-call"
# influxdb-client says that it is typed, but neither exports its names explicitly nor types its services.

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple, Self

from influxdb_client import (
    Authorization,
    BucketRetentionRules,
    DBRPCreate,
    DBRPsService,
    DBRPUpdate,
    InfluxDBClient,
    Permission,
    PermissionResource,
)
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from cloud_ingest.stores.store import StoreMisconfigured, StoreUnavailable

#: The retention policy in a mapping is only a name; 1.x calls its own so.
RETENTION_POLICY = "autogen"


class Bucket(NamedTuple):
    """A bucket's id, and its organisation's."""

    id: str
    organisation: str


class Influx2:
    """An administrator's connection to a 2.x server. Every method raises StoreUnavailable or StoreMisconfigured."""

    def __init__(self, url: str, token: str, timeout_s: float = 10.0) -> None:
        self._url = url
        self._timeout_ms = int(timeout_s * 1000)
        self._client = InfluxDBClient(url, token, timeout=self._timeout_ms)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()
        if isinstance(error, ApiException):
            raise self._translated(error) from error
        if isinstance(error, HTTPError):
            raise StoreUnavailable(f"InfluxDB at {self._url}: {error}") from error

    def organisation(self, name: str) -> str:
        """The organisation's id; made if missing."""
        organisations = self._client.organizations_api()
        found = [each for each in _found(organisations.find_organizations, org=name) if each.name == name]
        return str((found[0] if found else organisations.create_organization(name=name)).id)

    def bucket(self, organisation: str, name: str, retention_days: float) -> Bucket:
        """The bucket; made if missing, its retention set. 0 days keep everything."""
        buckets = self._client.buckets_api()
        seconds = round(retention_days * 86400)
        found = [each for each in _found(buckets.find_buckets, name=name, org_id=organisation) if each.name == name]
        if not found:
            made = buckets.create_bucket(bucket_name=name, org=organisation, retention_rules=_retention(seconds))
            return Bucket(str(made.id), organisation)
        (bucket,) = found
        if sum(rule.every_seconds for rule in bucket.retention_rules) != seconds:
            bucket.retention_rules = _retention(seconds)
            buckets.update_bucket(bucket)
        return Bucket(str(bucket.id), organisation)

    def mapping(self, bucket: Bucket, database: str) -> None:
        """Make `/write?db=` and `/query?db=` mean this bucket.

        2.x shows a bucket without a mapping under a virtual one of its own name; that one may vanish when another
        bucket is mapped, so an explicit one is made in its place.
        """
        mappings = DBRPsService(self._client.api_client)
        shown = _found(mappings.get_dbr_ps, org_id=bucket.organisation, db=database)
        ours = [each for each in shown if each.retention_policy == RETENTION_POLICY and not each.virtual]
        if ours and ours[0].bucket_id == bucket.id:
            if not ours[0].default:
                update = DBRPUpdate(default=True, retention_policy=RETENTION_POLICY)
                mappings.patch_dbrpid(ours[0].id, update, org_id=bucket.organisation)
            return
        if ours:
            mappings.delete_dbrpid(ours[0].id, org_id=bucket.organisation)
        mapping = DBRPCreate(
            org_id=bucket.organisation,
            bucket_id=bucket.id,
            database=database,
            retention_policy=RETENTION_POLICY,
            default=True,
        )
        mappings.post_dbrp(mapping)

    def serves(self, token: str, bucket: Bucket) -> bool:
        """Whether the server knows this token and shows it the bucket."""
        with InfluxDBClient(self._url, token, timeout=self._timeout_ms) as client:
            try:
                client.buckets_api().find_bucket_by_id(bucket.id)
            except ApiException as error:
                if error.status in (401, 403, 404):
                    return False
                raise
        return True

    def new_token(self, name: str, bucket: Bucket, *, write: bool) -> str:
        """A token that may read the bucket, and write it if asked, and nothing else. Older ones of the name end.

        Call it only when the old token is lost: a server keeps no token that it could say again (2.9 hashes them).
        """
        tokens = self._client.authorizations_api()
        older = _found(tokens.find_authorizations, org_id=bucket.organisation)
        resource = PermissionResource(type="buckets", id=bucket.id, org_id=bucket.organisation)
        actions = ("read", "write") if write else ("read",)
        made = tokens.create_authorization(
            authorization=Authorization(
                org_id=bucket.organisation,
                description=name,
                permissions=[Permission(action=action, resource=resource) for action in actions],
            )
        )
        for each in older:
            if each.description == name:
                tokens.delete_authorization(each.id)
        return str(made.token)

    def _translated(self, error: ApiException) -> StoreUnavailable:
        if error.status in (401, 403):
            return StoreMisconfigured(
                f"InfluxDB at {self._url} refuses the administrator's token ({error.status}): has the server been set "
                "up (its own `influx setup`), and is this its operator token?"
            )
        if error.status == 404:
            return StoreMisconfigured(f"{self._url} has no {error.message or 'such path'}: is it an InfluxDB 2.x?")
        return StoreUnavailable(f"InfluxDB at {self._url} ({error.status}): {error.message}")


def _retention(seconds: int) -> list[BucketRetentionRules]:
    return [BucketRetentionRules(type="expire", every_seconds=seconds)] if seconds else []


def _found(find: Any, **filters: str) -> list[Any]:  # noqa: ANN401 - the library is untyped
    """What a search finds; some of these paths say 404 for nothing."""
    try:
        found = find(**filters)
    except ApiException as error:
        if error.status == 404 and "not found" in str(error.body):
            return []
        raise
    for inside in ("buckets", "content"):
        found = getattr(found, inside, found)
    return list(found or [])
