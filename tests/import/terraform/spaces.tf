resource "librato_space" "shop" {
  name = "Shop"
}

resource "librato_space" "details" {
  name = "Shop details"
}

resource "librato_space_chart" "checkout" {
  space_id      = librato_space.shop.id
  name          = "Checkout"
  type          = "line"
  min           = 0
  max           = 5000
  label         = "ms"
  related_space = librato_space.details.id

  stream {
    metric           = librato_metric.checkout.name
    source           = "*"
    group_function   = "breakout"
    summary_function = "max"
    color            = "#990000"
    units_short      = "ms"
  }

  stream {
    metric = "shop.requests"
    source = "*"
  }

  stream {
    composite = librato_metric.error_ratio.composite
  }
}

resource "librato_space_chart" "queues" {
  space_id = librato_space.shop.id
  name     = "Queues"
  type     = "stacked"

  dynamic "stream" {
    for_each = local.queues
    iterator = queue
    content {
      metric             = "queue.${queue.value}.depth"
      source             = "%"
      transform_function = "x*2"
    }
  }
}

resource "librato_space_chart" "ratio" {
  space_id = librato_space.details.id
  name     = "Errors"
  type     = "bignumber"

  stream {
    composite = "s(\"shop.errors\", \"*\")"
  }
}

resource "appoptics_dashboard" "platform" {
  name = "Platform"
}

resource "appoptics_dashboard_chart" "cpu" {
  space_id = appoptics_dashboard.platform.id
  name     = "CPU"
  type     = "line"
  max      = 100
  label    = "%"

  stream {
    metric           = appoptics_metric.cpu.name
    summary_function = "average"
    units_short      = "%"
  }
}

module "billing" {
  source    = "./modules/queue"
  queue     = "billing"
  threshold = 50
  title     = "billing mail"
}

module "search" {
  source = "./modules/queue"
  queue  = "search"
  title  = "search mail"
}
