"""Small Pulumi programs, each with something that a registration can meet."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime.rpc import UNKNOWN, _special_sig_key

from tests.delivery.registered_things import Group, Provider, Renamed, Seen, Thing, Translated, Typed

Options = pulumi.ResourceOptions


class Colour(enum.StrEnum):
    """Text that is no text."""

    RED = "red"


def one_thing(seen: Seen) -> None:
    Thing("one", {"a": 1})


def plain_values(seen: Seen) -> None:
    thing = Thing("plain", {"b": [1, 2.0, 2.5, True, None, "x", {"z": None, "a": {}}, []], "a": ("t", ("u",)), "none": None, "ümlaut": "€\0",
                            "big": 2 ** 60 + 1, "small": -(2 ** 53) - 3, "exact": 2 ** 53, "zero": -0.0, "huge": 1e300, "empty": ""})
    for key in ("b", "a", "none", "big", "zero", "urn", "id", "empty"):
        seen.note(key, thing.__dict__[key])


def not_a_number(seen: Seen) -> None:
    Thing("floats", {"nan": float("nan"), "infinite": float("-inf")})


def too_large(seen: Seen) -> None:
    Thing("large", {"value": 10 ** 400})


def no_text(seen: Seen) -> None:
    Thing("surrogate", {"value": ["\ud800"]})


def no_key(seen: Seen) -> None:
    Thing("key", {"value": {1: 2}})


def no_key_at_the_top(seen: Seen) -> None:
    Thing("key", {1: 2})  # type: ignore[dict-item]


def keys_of_two_kinds(seen: Seen) -> None:
    Thing("keys", {"value": {"a": 1, 2: 3}})


def no_input(seen: Seen) -> None:
    Thing("object", {"value": {"deep": [object()]}})


def no_input_in_an_output(seen: Seen) -> None:
    Thing("object", {"value": pulumi.Output.from_input("a").apply(lambda _: object())})


def unusual_values(seen: Seen) -> None:
    Thing("unusual", {"enum": Colour.RED, "ordered": OrderedDict(b=1, a=2), "proxy": MappingProxyType({"a": 1}), "range": [*range(3)],
                      "flag": json.JSONDecoder().decode("true")})


def markers(seen: Seen) -> None:
    thing = Thing("markers", {"unknown": UNKNOWN, "deep": {"unknown": [UNKNOWN]}, "secret": {_special_sig_key: "1b47061264138c4ac30d75fd1eb44270",
                                                                                          "value": "hidden"}})
    for key in ("unknown", "deep", "secret"):
        seen.note(key, thing.__dict__[key])


def an_unknown_marker(seen: Seen) -> None:
    Thing("marker", {"value": {_special_sig_key: "?"}})


def secrets(seen: Seen) -> None:
    thing = Thing("secret", {"value": pulumi.Output.secret("hidden"), "deep": {"a": [pulumi.Output.secret({"b": 1})]}, "open": 1})
    Thing("of-secret", {"from": thing.__dict__["value"], "open": thing.__dict__["open"]})
    for key in ("value", "deep", "open"):
        seen.note(key, thing.__dict__[key])


def unknowns(seen: Seen) -> None:
    first, second = Thing("first"), Thing("second")
    third = Thing("third", {"id": 1, "one": first.id, "both": pulumi.Output.all(first.id, second.id), "in": [{"a": {"b": second.id}}],
                            "text": pulumi.Output.concat("a-", first.id, "-b"), "urn": 5})
    Thing("fourth", {"from": third.__dict__["one"], "part": third.__dict__["in"][0]["a"], "all": {"in": third.__dict__["in"]}})
    for key in ("one", "both", "in", "id", "urn"):
        seen.note(key, third.__dict__[key])


def secret_unknowns(seen: Seen) -> None:
    Thing("second", {"value": pulumi.Output.secret(Thing("first").id)})


def applies(seen: Seen) -> None:
    first = Thing("first", {"size": 3, "parts": {"a": [1, 2]}})
    twice = first.__dict__["size"].apply(lambda size: size * 2)
    never = first.id.apply(lambda _: 1 / 0)
    Thing("second", {"twice": twice, "never": never, "part": first.__dict__["parts"]["a"][1], "urn-of": first.urn,
                     "nested": twice.apply(lambda size: {"in": pulumi.Output.from_input([size])}),
                     "holding": pulumi.Output.from_input("x").apply(lambda _: first.urn)})
    for name, output in (("twice", twice), ("never", never), ("urn", first.urn)):
        seen.note(name, output)


def outputs_of_outputs(seen: Seen) -> None:
    first = Thing("first", {"a": pulumi.Output.from_input({"x": pulumi.Output.from_input(1)}), "b": pulumi.Output.json_dumps({"k": [1]})})
    second = Thing("second", {"a": first.__dict__["a"], "b": first.__dict__["b"], "none": pulumi.Output.from_input(None)})
    Thing("third", {"later": pulumi.Output.all(a=second.__dict__["a"], b=second.__dict__["b"]), "text": pulumi.Output.json_dumps(second.__dict__["a"])})
    seen.note("a", second.__dict__["a"])
    seen.note("none", second.__dict__["none"])


def awaitables(seen: Seen) -> None:
    async def later() -> dict[str, Any]:
        return {"a": 1}

    Thing("awaited", {"value": later(), "output": pulumi.Output.from_input(later())})


def resources_as_inputs(seen: Seen) -> None:
    first = Thing("first")
    thing = Thing("second", {"one": first, "in": {"group": Group("group")}})
    seen.note("one", thing.__dict__["one"])


def assets(seen: Seen) -> None:
    Thing("asset", {"text": pulumi.StringAsset("text"), "archive": pulumi.AssetArchive({"a": pulumi.StringAsset("b")})})


def depends_on_component(seen: Seen) -> None:
    group = Group("group")
    Thing("after", {"a": 1}, Options(depends_on=[group]))
    Thing("late", {}, Options(parent=group))
    Group("whole", {}, Options(depends_on=group))


def depends_on_outputs(seen: Seen) -> None:
    first, second = Thing("first"), Thing("second")
    Thing("third", {}, Options(depends_on=[first, pulumi.Output.from_input(second)]))
    Thing("fourth", {}, Options(depends_on=pulumi.Output.from_input([first])))
    merged = Options.merge(Options(depends_on=[first]), Options(depends_on=[second]))
    Thing("fifth", {"of": first.id}, merged)


def depends_on_itself(seen: Seen) -> None:
    group = Group("group")
    Thing("inside", {}, Options(parent=group, depends_on=[group]))


def depends_in_a_circle(seen: Seen) -> None:
    one, other = Group("one"), Group("other")
    Thing("a", {}, Options(parent=one, depends_on=[other]))
    Thing("b", {}, Options(parent=other, depends_on=[one]))


def parents(seen: Seen) -> None:
    outer = Group("outer")
    inner = Group("inner", {"name": "inner"}, Options(parent=outer))
    thing = Thing("below", {}, Options(parent=inner.child))
    seen.note("urn", thing.urn)
    seen.note("group", inner.urn)


def protection(seen: Seen) -> None:
    outer = Group("outer", {}, Options(protect=True))
    Group("inner", {}, Options(parent=outer))
    Thing("free", {}, Options(parent=outer, protect=False, retain_on_delete=True))


def providers(seen: Seen) -> None:
    provider = Provider("one", {"context": "a"})
    outer = Group("outer", {}, Options(providers=[provider]))
    Thing("own", {}, Options(parent=outer, provider=Provider("two", {"context": pulumi.Output.from_input("b").apply(str.upper)})))
    Group("mapped", {}, Options(providers={"test": provider}, version="1.2.3"))


def another_provider(seen: Seen) -> None:
    class Other(pulumi.ProviderResource):
        pass
    Thing("wrong", {}, Options(provider=Other("other", "other")))


def transformations(seen: Seen) -> None:
    def more(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "test:index:Thing":
            return None
        return pulumi.ResourceTransformationResult({**args.props, "more": args.name}, Options.merge(args.opts, Options(protect=True)))

    pulumi.runtime.register_stack_transformation(more)
    Group("group", {}, Options(transformations=[more]))
    Thing("single", {"a": 1})


def transforms(seen: Seen) -> None:
    Thing("transformed", {"a": 1}, Options(transforms=[lambda args: None]))


def aliases(seen: Seen) -> None:
    group = Group("group", {}, Options(aliases=[pulumi.Alias(name="was")]))
    Thing("thing", {}, Options(parent=group, aliases=["urn:pulumi:test::gpuplane::test:index:Thing::before", pulumi.Alias(type_="test:index:Was")]))


def many_options(seen: Seen) -> None:
    first = Thing("first")
    Thing("all", {"a": 1}, Options(ignore_changes=["a"], replace_on_changes=["a"], delete_before_replace=True, additional_secret_outputs=["a"],
                                   custom_timeouts=pulumi.CustomTimeouts(create="1m"), deleted_with=first, import_="an-id", version="1.0.0",
                                   plugin_download_url="https://example.com", retain_on_delete=True))
    Thing("few", {"a": 1}, Options(deleted_with=first, version="1.0.0", ignore_changes=[], import_=""))


def wrong_options(seen: Seen) -> None:
    Thing("wrong", {}, Options(protect="yes"))  # type: ignore[arg-type]


def read_resources(seen: Seen) -> None:
    read = Thing("read", {"a": None}, Options(id="an-id"))
    Thing("after", {"of": read.id, "a": read.__dict__["a"]}, Options(depends_on=[read]))
    seen.note("id", read.id)


def got_resources(seen: Seen) -> None:
    Thing("got", {}, Options(urn="urn:pulumi:test::gpuplane::test:index:Thing::got"))


def stack_references(seen: Seen) -> None:
    reference = pulumi.StackReference("organization/gpuplane/below")
    found = reference.require_output("endpoint")
    provider = Provider("of-below", {"context": found.apply(lambda text: text)})
    Group("group", {}, Options(providers=[provider], depends_on=[reference]))
    Thing("with", {"endpoint": found, "text": pulumi.Output.concat("https://", found)})


def typed_classes(seen: Seen) -> None:
    typed = Typed("typed", {"size": 3, "text": "a", "parts": {"b": 2}})
    seen.note("size", typed.size)
    seen.note("parts", typed.parts)


def wrong_types(seen: Seen) -> None:
    Typed("typed", {"size": 3, "text": {"not": "text"}})


def translated_names(seen: Seen) -> None:
    thing = Translated("test:index:Translated", "translated", {"name": 1, "deep": {"name": 2}})
    seen.note("name", thing.__dict__["name"])


def generated_classes(seen: Seen) -> None:
    role = aws.iam.Role("role", name="role", assume_role_policy=json.dumps({}), tags={"a_b": "c"})
    aws.iam.RolePolicyAttachment("attachment", role=role.name, policy_arn=pulumi.Output.concat("arn:", role.arn), opts=Options(depends_on=[role]))
    Thing("of-role", {"role": role.arn, "name": role.name, "tags": role.tags}, Options(parent=role))
    seen.note("arn", role.arn)


def replaced_attributes(seen: Seen) -> None:
    first = Thing("first")
    for name, value in (("plain", 1), ("sdk", Colour.RED), ("unknown", first.id)):
        renamed = Renamed(name, value)
        assert renamed.value == "mine"
        seen.note(name, renamed.__dict__["other"])


def registered_outputs(seen: Seen) -> None:
    Group("plain", outputs={"a": [1]})
    Group("output", outputs={"a": pulumi.Output.from_input(1), "b": None})


def wrong_registered_outputs(seen: Seen) -> None:
    Group("wrong", outputs={"a": object()})


def changed_afterwards(seen: Seen) -> None:
    props = {"a": {"b": 1}}
    Thing("changed", props)
    props["a"]["b"] = 2


def made_in_an_apply(seen: Seen) -> None:
    first = Thing("first", {"count": 2})
    group = Group("group")

    def made(count: float) -> pulumi.Output[str]:
        things = [Thing(f"made-{number}", {"of": first.urn}, Options(parent=group)) for number in range(int(count))]
        return things[-1].urn

    Thing("after", {"last": first.__dict__["count"].apply(made)}, Options(depends_on=[group]))


def deferred(seen: Seen) -> None:
    output, resolve = pulumi.deferred_output()
    Thing("first", {"later": output})
    second = Thing("second", {"a": 1})
    resolve(second.__dict__["a"])


def recovered(seen: Seen) -> None:
    failed = pulumi.Output.from_input(1).apply(lambda _: 1 / 0)
    Thing("recovered", {"value": failed.recover(lambda error: str(error))})


def an_error(seen: Seen) -> None:
    Thing("first")
    raise pulumi.RunError("not like this")


def an_error_in_an_apply(seen: Seen) -> None:
    first = Thing("first", {"size": 3})
    Thing("second", {"value": first.__dict__["size"].apply(lambda _: 1 / 0)})


def an_error_nobody_waits_for(seen: Seen) -> None:
    Thing("first", {"size": 3}).__dict__["size"].apply(lambda _: 1 / 0)


def an_error_above(seen: Seen) -> None:
    provider = Provider("provider", {"context": object()})
    Group("below", {}, Options(providers=[provider]))


def calls(seen: Seen) -> None:
    pulumi.runtime.invoke("test:index:call", {})


def no_name(seen: Seen) -> None:
    Thing("")


PROGRAMS: tuple[Callable[[Seen], None], ...] = (
    one_thing, plain_values, not_a_number, too_large, no_text, no_key, no_key_at_the_top, keys_of_two_kinds, no_input, no_input_in_an_output, unusual_values,
    markers, an_unknown_marker, secrets, unknowns, secret_unknowns, applies, outputs_of_outputs, awaitables, resources_as_inputs, assets,
    depends_on_component, depends_on_outputs, depends_on_itself, depends_in_a_circle, parents, protection, providers, another_provider,
    transformations, transforms, aliases, many_options, wrong_options, read_resources, got_resources, stack_references, typed_classes,
    wrong_types, translated_names, generated_classes, replaced_attributes, registered_outputs, wrong_registered_outputs, changed_afterwards,
    made_in_an_apply, deferred, recovered, an_error, an_error_in_an_apply, an_error_nobody_waits_for, calls, no_name)
