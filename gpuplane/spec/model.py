"""What all spec models share: strict fields, names, units, and the envelope of a document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

API_VERSION = "gpuplane/v1"


class SpecModel(BaseModel):
    """Base of everything people write: unknown fields are errors, values never change, no silent conversions."""

    MOVED: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields that were here once, and where they are now."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, defer_build=True,
        protected_namespaces=(), allow_inf_nan=False,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        from gpuplane.spec.field_descriptions import described

        schema, texts = handler.resolve_ref_schema(handler(core_schema)), described(cls)
        for name, field in cls.model_fields.items():
            if name in texts and field.description is None:
                schema["properties"][field.alias or name]["description"] = texts[name]
        return schema


class OneOf(SpecModel):
    """A model of which exactly one of some fields must be there."""

    ONE_OF: ClassVar[tuple[str, ...]]
    """Those fields."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in self.ONE_OF) != 1:
            raise PydanticCustomError("one_of", "exactly one of {names} is needed", {"names": ", ".join(self.ONE_OF)})
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        schema["oneOf"] = [{"required": [name]} for name in cls.ONE_OF]
        return schema


def decimal_of(value: Any) -> Any:
    """YAML numbers to Decimal by their text, so that 0.1 stays 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return Decimal(str(value))


Usd = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(ge=0, le=Decimal("1e9")),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1e9}),
]
"""US dollars, exact."""
Positive = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(gt=0, le=Decimal("1e9")),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1e9}),
]
"""A number more than 0, exact."""

Count = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(gt=0, le=Decimal("1e6"), decimal_places=3),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1e6})]
"""A number on average, such as 2.5, with at most three decimals, exact."""

FairSharingWeight = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(ge=Decimal("0.001"), le=1_000_000, decimal_places=3),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "minimum": 0.001, "maximum": 1_000_000}),
]
"""Kueue's ``fairSharing.weight``; three decimals."""

DNS_LABEL = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL)]
"""A name that becomes part of Kubernetes names and DNS: at most 40 lower-case letters, digits and hyphens."""

LabelKey = Annotated[str, StringConstraints(
    pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")]
MigProfile = Annotated[str, StringConstraints(pattern=r"^[1-7]g\.[0-9]{1,3}gb(\+me|\+gfx|\+me\.all|-me)?$")]
"""A MIG profile as NVIDIA names it, e.g. ``1g.10gb``."""

QuotaKey = Annotated[str, StringConstraints(
    pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?(/[1-7]g\.[0-9]{1,3}gb(\+me|\+gfx|\+me\.all|-me)?)?$")]
"""``pool`` for whole GPUs, ``pool/profile`` for MIG devices of a pool."""


def number_is_nominal(value: Any) -> Any:
    """A quota that is a number is its nominal_quota."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"nominal_quota": value}
    if isinstance(value, float | str):
        raise PydanticKnownError("int_type")
    return value


def _real_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date", "there is no such day") from None
    return text


IsoDate = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
                    AfterValidator(_real_date)]
"""A day, ``YYYY-MM-DD``; it stays text."""
CloudRegion = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)+-?[0-9]{1,2}$")]
"""A region of a cloud: of AWS e.g. ``eu-central-1``, of Google Cloud e.g. ``europe-west4``."""
AwsRegion = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
AvailabilityZone = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
"""An AWS availability zone, e.g. ``eu-central-1a``."""
AwsRoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", max_length=600)]
"""An IAM role, e.g. ``arn:aws:iam::111122223333:role/platform``."""
AwsKeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{36}$")]
"""A KMS key."""
Cidr = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]
ImageDigest = Annotated[str, StringConstraints(
    pattern=r"^[a-z0-9]([-a-z0-9._/:]*[a-z0-9])?@sha256:[0-9a-f]{64}$", max_length=300)]
"""A container image pinned by digest: ``repository@sha256:…``."""


class Metadata(SpecModel):
    """Who the document is about."""

    name: DnsLabel
    """The name; the file is called after it (an environment's and its exemptions': the folder)."""


KindT = TypeVar("KindT", bound=str)
SpecT = TypeVar("SpecT", bound=SpecModel)


class Document(SpecModel, Generic[KindT, SpecT]):
    """The envelope that every file has."""

    api_version: Literal["gpuplane/v1"] = Field(alias="apiVersion")
    """Version of the document format."""
    kind: KindT
    """What the document describes."""
    metadata: Metadata
    spec: SpecT

    @property
    def name(self) -> str:
        """The name in the metadata."""
        return self.metadata.name
