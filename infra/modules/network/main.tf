# A network for who has none: private subnets, and the ways out that functions and event sources need.
# Nothing in it is reached from outside. Whoever has a VPC names its subnets instead.

data "aws_region" "this" {}

data "aws_availability_zones" "this" {
  #checkov:skip=CKV_AWS_394:The first var.zones of them are taken, by name: a new one comes last
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.this.names, 0, var.zones)
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:Flow logs cost by the gigabyte and tell nothing of the brokers' traffic; add them where a rule asks for them
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# Whoever forgets to name a security group can reach nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each          = { for index, zone in local.zones : zone => index }
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)
  tags              = { Name = "${var.name}-${each.key}" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

# One group for functions, brokers, the event sources' interfaces and the endpoints: each may reach
# the others on Kafka's ports and over TLS.
resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:The functions and the cluster have it; they are in other modules
  name        = var.name
  description = "Weir: functions, brokers and endpoints"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = { kafka = [9092, 9098], tls = [443, 443] }

  security_group_id            = aws_security_group.this.id
  description                  = "From the group itself: ${each.key}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = each.value[0]
  to_port                      = each.value[1]
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each = { kafka = [9092, 9098], tls = [443, 443] }

  security_group_id            = aws_security_group.this.id
  description                  = "To the group itself: ${each.key}"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = each.value[0]
  to_port                      = each.value[1]
}

resource "aws_vpc_security_group_egress_rule" "gateway" {
  for_each = aws_vpc_endpoint.gateway

  security_group_id = aws_security_group.this.id
  description       = "To ${each.key}"
  prefix_list_id    = each.value.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# These cost nothing.
resource "aws_vpc_endpoint" "gateway" {
  for_each          = toset(["dynamodb", "s3"])
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.this.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
}

# Each of these costs by the hour and zone. The event source of MSK needs lambda and sts.
resource "aws_vpc_endpoint" "interface" {
  for_each            = var.endpoints
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.this.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.this.id]
}
