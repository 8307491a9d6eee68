"""The network of a cluster: private and public subnets in each zone, ways out, endpoints of AWS services, a log of connections.

Nodes and the cluster's endpoint live in the private subnets. The default security group, which AWS gives to whatever names
none, lets nothing through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.iam import AwsPlace, service_role
from gpuplane.components.kubernetes_object import child_options
from gpuplane.spec.vocabulary import KARPENTER_DISCOVERY

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class VpcArgs:
    """A network.

    Attributes:
        name: prefix of names and the value of the discovery tag, the cluster's name.
        place: account, region and partition.
        cidr: network of the VPC.
        private_subnets, public_subnets: availability zone to the subnet's network.
        nat_gateways: ``none``, ``one`` or ``one_per_zone``.
        interface_endpoints: AWS services with a private endpoint, e.g. ``ecr.api``.
        flow_log_days: how long the log of connections is kept.
        tags: AWS tags.
    """

    name: str
    place: AwsPlace
    cidr: str
    private_subnets: Mapping[str, str]
    public_subnets: Mapping[str, str]
    nat_gateways: str = "one"
    interface_endpoints: tuple[str, ...] = ()
    flow_log_days: int = 90
    tags: Mapping[str, str] = field(default_factory=dict)


class Vpc(pulumi.ComponentResource):
    """The VPC and all in it.

    Attributes:
        vpc_id: its identifier.
        private_subnet_ids: in the order of the zones.
    """

    vpc_id: pulumi.Output[str]
    private_subnet_ids: list[pulumi.Output[str]]

    def __init__(self, name: str, args: VpcArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Vpc", name, {"cidr": args.cidr}, opts)
        from pulumi_aws import ec2

        self._args, self._name, self._opts = args, name, child_options(self, opts)
        vpc = ec2.Vpc(name, cidr_block=args.cidr, enable_dns_hostnames=True, enable_dns_support=True, **self._common(""), opts=self._opts)
        self.vpc_id = vpc.id
        # Without rules it lets nothing in or out: whoever forgets to name a group is closed, not open.
        ec2.DefaultSecurityGroup(name, vpc_id=vpc.id, ingress=[], egress=[], **self._common("unused"), opts=self._opts)
        public = {zone: self._subnet(zone, cidr, public=True) for zone, cidr in args.public_subnets.items()}
        private = {zone: self._subnet(zone, cidr, public=False) for zone, cidr in args.private_subnets.items()}
        tables = self._routes(public, private)
        self._endpoints(private, tables)
        self._flow_log()
        self.private_subnet_ids = [subnet.id for subnet in private.values()]
        self.register_outputs({"vpcId": self.vpc_id})

    def _common(self, suffix: str, **tags: str) -> dict[str, Any]:
        named = f"{self._args.name}-{suffix}" if suffix else self._args.name
        return {"region": self._args.place.region, "tags": {"Name": named, **self._args.tags, **tags}}

    def _subnet(self, zone: str, cidr: str, *, public: bool) -> Any:
        from pulumi_aws import ec2

        kind = "public" if public else "private"
        # Where load balancers go, and where Karpenter finds subnets (AWS Load Balancer Controller, Karpenter documentation).
        role = {"kubernetes.io/role/elb": "1"} if public else {
            "kubernetes.io/role/internal-elb": "1", KARPENTER_DISCOVERY: self._args.name}
        return ec2.Subnet(f"{self._name}-{kind}-{zone}", vpc_id=self.vpc_id, availability_zone=zone, cidr_block=cidr,
                          map_public_ip_on_launch=False, **self._common(f"{kind}-{zone}", **role), opts=self._opts)

    def _routes(self, public: Mapping[str, Any], private: Mapping[str, Any]) -> list[Any]:
        """Route tables of the private subnets; the public ones share a table."""
        from pulumi_aws import ec2

        gateway = ec2.InternetGateway(self._name, vpc_id=self.vpc_id, **self._common(""), opts=self._opts)
        outside = self._table("public", public.values())
        ec2.Route(f"{self._name}-public", route_table_id=outside.id, destination_cidr_block=ANYWHERE, gateway_id=gateway.id,
                  region=self._args.place.region, opts=self._opts)
        nats: list[Any] = []
        tables = []
        for zone, subnet in private.items():
            table = self._table(f"private-{zone}", [subnet])
            tables.append(table)
            if self._args.nat_gateways == "none":
                continue
            if self._args.nat_gateways == "one_per_zone" or not nats:
                nats.append(self._nat(zone, public[zone], gateway))
            ec2.Route(f"{self._name}-private-{zone}", route_table_id=table.id, destination_cidr_block=ANYWHERE,
                      nat_gateway_id=nats[-1].id, region=self._args.place.region, opts=self._opts)
        return tables

    def _table(self, suffix: str, subnets: Any) -> Any:
        from pulumi_aws import ec2

        table = ec2.RouteTable(f"{self._name}-{suffix}", vpc_id=self.vpc_id, **self._common(suffix), opts=self._opts)
        for position, subnet in enumerate(subnets):
            ec2.RouteTableAssociation(f"{self._name}-{suffix}-{position}", route_table_id=table.id, subnet_id=subnet.id,
                                      region=self._args.place.region, opts=self._opts)
        return table

    def _nat(self, zone: str, subnet: Any, gateway: Any) -> Any:
        from pulumi_aws import ec2

        # A NAT gateway works once the internet gateway is attached (Amazon VPC user guide).
        opts = pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[gateway]))
        address = ec2.Eip(f"{self._name}-{zone}", domain="vpc", **self._common(f"nat-{zone}"), opts=opts)
        return ec2.NatGateway(f"{self._name}-{zone}", allocation_id=address.id, subnet_id=subnet.id, connectivity_type="public",
                              **self._common(f"nat-{zone}"), opts=opts)

    def _endpoints(self, private: Mapping[str, Any], tables: list[Any]) -> None:
        from pulumi_aws import ec2

        region = self._args.place.region
        ec2.VpcEndpoint(f"{self._name}-s3", vpc_id=self.vpc_id, service_name=f"com.amazonaws.{region}.s3", vpc_endpoint_type="Gateway",
                        route_table_ids=[table.id for table in tables], **self._common("s3"), opts=self._opts)
        if not self._args.interface_endpoints:
            return
        group = ec2.SecurityGroup(
            f"{self._name}-endpoints", vpc_id=self.vpc_id, description="AWS services, from inside the network",
            ingress=[{"description": "HTTPS", "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": [self._args.cidr]}],
            egress=[], **self._common("endpoints"), opts=self._opts)
        for service in sorted(self._args.interface_endpoints):
            ec2.VpcEndpoint(f"{self._name}-{service}", vpc_id=self.vpc_id, service_name=f"com.amazonaws.{region}.{service}",
                            vpc_endpoint_type="Interface", private_dns_enabled=True, security_group_ids=[group.id],
                            subnet_ids=[subnet.id for subnet in private.values()], **self._common(service), opts=self._opts)

    def _flow_log(self) -> None:
        from pulumi_aws import cloudwatch, ec2

        place, name = self._args.place, f"/aws/vpc/{self._args.name}/flow-log"
        logs = cloudwatch.LogGroup(f"{self._name}-flow-log", name=name, retention_in_days=self._args.flow_log_days,
                                   **self._common("flow-log"), opts=self._opts)
        role = service_role(f"{self._args.name}-flow-log", "vpc-flow-logs.amazonaws.com", place, self._args.tags, self._opts, [{
            "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"],
            "Resource": [place.arn("logs", f"log-group:{name}"), place.arn("logs", f"log-group:{name}:*")]}])
        ec2.FlowLog(self._name, vpc_id=self.vpc_id, traffic_type="ALL", log_destination_type="cloud-watch-logs",
                    log_destination=logs.arn, iam_role_arn=role.arn, max_aggregation_interval=600, **self._common("flow-log"),
                    opts=self._opts)
