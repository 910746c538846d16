# What a Kafka client is told: librdkafka's properties, as WEIR_KAFKA_ variables.

# The functions have no other way to the secret: it ends up in the state of Terraform and in the
# functions' configuration, encrypted in both. docs/deploy.md says what follows from that.
data "aws_secretsmanager_secret_version" "credentials" {
  count     = var.streams.secret_arn == null ? 0 : 1
  secret_id = var.streams.secret_arn
}

data "aws_secretsmanager_secret_version" "ca" {
  count     = var.streams.ca_secret_arn == null ? 0 : 1
  secret_id = var.streams.ca_secret_arn
}

locals {
  brokers = one(data.aws_msk_bootstrap_brokers.this[*])

  # MSK listens on another port for each way to authenticate.
  msk_bootstrap = local.brokers == null ? null : {
    iam   = local.brokers.bootstrap_brokers_sasl_iam
    scram = local.brokers.bootstrap_brokers_sasl_scram
    mtls  = local.brokers.bootstrap_brokers_tls
    none  = local.brokers.bootstrap_brokers
  }

  bootstrap_servers = (
    local.kind == "msk_serverless" ? local.made_cluster.bootstrap_brokers_sasl_iam :
    local.kind == "msk" ? lookup(local.msk_bootstrap, local.auth, null) :
    local.kind == "kafka" ? var.streams.bootstrap_servers : null
  )

  secret = try(jsondecode(data.aws_secretsmanager_secret_version.credentials[0].secret_string), {})
  ca     = try(jsondecode(data.aws_secretsmanager_secret_version.ca[0].secret_string)["certificate"], null)

  sasl = { for property, value in {
    SECURITY_PROTOCOL = "SASL_SSL"
    SASL_MECHANISMS   = lookup({ iam = "OAUTHBEARER", plain = "PLAIN", scram256 = "SCRAM-SHA-256" }, local.auth, "SCRAM-SHA-512")
    SASL_USERNAME     = try(local.secret["username"], null)
    SASL_PASSWORD     = try(local.secret["password"], null)
    SSL_CA_PEM        = local.ca
  } : "WEIR_KAFKA_${property}" => value if value != null }

  # The fields of the secret are those that Lambda's event source asks for.
  mtls = { for property, value in {
    SECURITY_PROTOCOL   = "SSL"
    SSL_CERTIFICATE_PEM = try(local.secret["certificate"], null)
    SSL_KEY_PEM         = try(local.secret["privateKey"], null)
    SSL_KEY_PASSWORD    = try(local.secret["privateKeyPassword"], null)
    SSL_CA_PEM          = local.ca
  } : "WEIR_KAFKA_${property}" => value if value != null }

  client = local.auth == "none" ? {} : local.auth == "mtls" ? local.mtls : local.sasl

  environment = local.kind == "kinesis" ? { WEIR_BROKER = "kinesis" } : merge(
    local.client, { WEIR_KAFKA_BOOTSTRAP_SERVERS = local.bootstrap_servers },
  )

  # How the event source itself authenticates. With IAM it does so by the function's role.
  access_type = {
    scram    = "SASL_SCRAM_512_AUTH"
    scram512 = "SASL_SCRAM_512_AUTH"
    scram256 = "SASL_SCRAM_256_AUTH"
    plain    = "BASIC_AUTH"
    mtls     = "CLIENT_CERTIFICATE_TLS_AUTH"
  }
  credentials = var.streams.secret_arn == null ? [] : [
    { type = lookup(local.access_type, local.auth, "none"), uri = var.streams.secret_arn }
  ]
  ca_access = var.streams.ca_secret_arn == null ? [] : [
    { type = "SERVER_ROOT_CA_CERTIFICATE", uri = var.streams.ca_secret_arn }
  ]
  # MSK's network is known from the cluster; that of a self-managed one has to be said.
  network_access = local.kind != "kafka" || var.network == null ? [] : concat(
    [for id in var.network.subnet_ids : { type = "VPC_SUBNET", uri = "subnet:${id}" }],
    [for id in var.network.security_group_ids : { type = "VPC_SECURITY_GROUP", uri = "security_group:${id}" }],
  )
}
