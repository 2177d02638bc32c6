locals {
  prefix = "shop"
  queues = ["mail", "invoices", "images"]
}

resource "librato_metric" "checkout" {
  name         = "${local.prefix}.checkout.ms"
  type         = "gauge"
  display_name = "Checkout time"
  description  = "What a customer waits for"
  period       = 60

  attributes {
    color               = "#52D74C"
    display_max         = "5000"
    display_min         = "0"
    display_units_long  = "milliseconds"
    display_units_short = "ms"
    aggregate           = true
  }
}

resource "librato_metric" "requests" {
  name = "${local.prefix}.requests"
  type = "counter"
}

resource "librato_metric" "errors" {
  name = "${local.prefix}.errors"
  type = "counter"

  attributes {
    display_stacked = true
  }
}

resource "librato_metric" "depth" {
  for_each = toset(local.queues)

  name   = "queue.${each.key}.depth"
  type   = "gauge"
  period = 30 * 2
}

resource "librato_metric" "load" {
  count = 2
  name  = "worker.${count.index + 1}.load"
  type  = "gauge"
}

resource "librato_metric" "error_ratio" {
  name      = "shop.error.ratio"
  type      = "composite"
  composite = "divide([sum(s(\"${librato_metric.errors.name}\", \"*\")), sum(s(\"${librato_metric.requests.name}\", \"*\"))])"
}

resource "appoptics_metric" "cpu" {
  name = "system.cpu"
  type = "gauge"

  attributes {
    color              = "#A3BE8C"
    summarize_function = "average"
    display_max        = 100.0
  }
}
