output "alarms" {
  description = "The names of the alarms."
  value       = sort(concat([for a in aws_cloudwatch_metric_alarm.this : a.alarm_name], [aws_cloudwatch_metric_alarm.sweep_silent.alarm_name]))
}

output "dashboard_url" {
  description = "The dashboard in the console."
  value       = "https://${data.aws_region.this.region}.console.aws.amazon.com/cloudwatch/home?region=${data.aws_region.this.region}#dashboards/dashboard/${var.name}"
}
