# What a Kafka client is told: librdkafka's properties, as WEIR_KAFKA_ variables.

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

  mechanism = lookup({
    iam = "OAUTHBEARER", plain = "PLAIN", scram = "SCRAM-SHA-512", scram256 = "SCRAM-SHA-256", scram512 = "SCRAM-SHA-512",
  }, local.auth, null)

  # The functions read the secrets themselves: nothing that is secret is in their configuration, or in Terraform's state.
  client = local.auth == "none" ? {} : { for property, value in {
    SECURITY_PROTOCOL = local.auth == "mtls" ? "SSL" : "SASL_SSL"
    SASL_MECHANISMS   = local.mechanism
    SECRET            = var.streams.secret_arn
    CA_SECRET         = var.streams.ca_secret_arn
  } : "WEIR_KAFKA_${property}" => value if value != null }

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
