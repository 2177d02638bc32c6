variable "queue" {}

variable "title" {}

variable "threshold" {
  default = 10
}

resource "librato_service" "team" {
  title    = var.title
  type     = "mail"
  settings = jsonencode({ addresses = "${var.queue}@example.org" })
}

resource "librato_metric" "age" {
  name = "queue.${var.queue}.age"
  type = "gauge"
}

resource "librato_alert" "old" {
  name     = "queue.${var.queue}.old"
  services = [librato_service.team.id]

  condition {
    type        = "above"
    metric_name = librato_metric.age.name
    threshold   = var.threshold
    duration    = 300
  }
}

output "pager" {
  value = librato_service.team.id
}
