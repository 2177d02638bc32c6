resource "librato_alert" "slow" {
  name          = "shop.checkout.slow"
  description   = <<EOF
Customers wait.
See the runbook.
EOF
  rearm_seconds = 1800
  services      = [librato_service.slack.id, "${librato_service.mail.id}"]

  condition {
    type             = "above"
    metric_name      = librato_metric.checkout.name
    source           = "web*"
    threshold        = 800
    duration         = 300
    summary_function = "max"
  }

  condition {
    type        = "above"
    metric_name = "${librato_metric.requests.name}"
    threshold   = 0
  }

  attributes {
    runbook_url = "https://wiki.example.org/slow"
  }
}

resource "librato_alert" "silent" {
  name     = "shop.silent"
  services = librato_service.hook[*].id

  condition {
    type        = "absent"
    metric_name = librato_metric.requests.id
    duration    = 600
  }
}

resource "librato_alert" "backlog" {
  for_each = { mail = 5000, invoices = 200, images = 1000 }

  name     = "queue.${each.key}.backlog"
  services = [librato_service.hook[0].id, module.search.pager]

  condition {
    type        = "above"
    metric_name = librato_metric.depth[each.key].name
    threshold   = each.value
    duration    = 900
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "librato_alert" "load" {
  count    = true ? 2 : 0
  name     = "worker.${count.index + 1}.busy"
  services = [librato_service.pager.id]

  condition {
    type        = "above"
    metric_name = librato_metric.load[count.index].name
    threshold   = 0.9
  }
}

resource "librato_alert" "errors" {
  name          = "shop.errors"
  active        = false
  rearm_seconds = 600
  services      = [librato_service.slack.id]

  condition {
    type             = "above"
    metric_name      = librato_metric.errors.name
    source           = "*"
    threshold        = 5
    summary_function = "derivative"
    detect_reset     = true
  }
}

resource "librato_alert" "bounds" {
  name     = "shop.bounds"
  services = [librato_service.mail.id]

  dynamic "condition" {
    for_each = { above = 100, below = -5.5 }
    content {
      type        = condition.key
      metric_name = "shop.checkout.ms"
      threshold   = condition.value
    }
  }
}

resource "appoptics_alert" "cpu" {
  name        = "system.cpu.high"
  description = "A machine is busy"
  services    = [appoptics_notification_service.team.id]
  depends_on  = [appoptics_metric.cpu]

  condition {
    type             = "above"
    metric_name      = appoptics_metric.cpu.name
    threshold        = 90
    duration         = 120
    summary_function = "average"

    tag {
      name    = "environment"
      grouped = true
      values  = ["production", "staging"]
    }
  }

  attributes = {
    runbook_url = "https://wiki.example.org/cpu"
  }
}
