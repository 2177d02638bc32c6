//! Words of the API as types: the known ones are variants, an unknown one is kept as it is and written back.
//! Knows nothing of where a word stands.

/// Declares an enum of words with `Other` for what no one has heard of.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word this library does not know; written back as it was read.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }
    };
}

words! {
    /// What a metric is. Fixed when it is created.
    MetricType {
        /// A value that goes up and down.
        Gauge = "gauge",
        /// A value that only grows.
        Counter = "counter",
        /// Computed from other metrics by its definition.
        Composite = "composite",
    }
}

words! {
    /// What a condition of an alert waits for.
    ConditionType {
        /// A value strictly greater than the threshold.
        Above = "above",
        /// A value strictly smaller than the threshold.
        Below = "below",
        /// No value at all for the duration.
        Absent = "absent",
    }
}

words! {
    /// Which statistic of the samples an alert or a chart looks at. Alerts and charts say `average`, queries `mean`.
    SummaryFunction {
        /// The smallest value.
        Min = "min",
        /// The greatest value.
        Max = "max",
        /// The mean; the default for gauges.
        Average = "average",
        /// The sum.
        Sum = "sum",
        /// How many there were.
        Count = "count",
        /// The difference to the sample before; the default for counters.
        Derivative = "derivative",
        /// The counter's value itself.
        AbsoluteValue = "absolute_value",
    }
}

words! {
    /// How measurements of several sources or tag sets become one.
    GroupFunction {
        /// The smallest value.
        Min = "min",
        /// The greatest value.
        Max = "max",
        /// The mean.
        Mean = "mean",
        /// The sum.
        Sum = "sum",
        /// How many there were; queries by sources only.
        Count = "count",
    }
}

words! {
    /// How a chart is drawn.
    ChartType {
        /// Lines; the default.
        Line = "line",
        /// Areas on top of each other.
        Stacked = "stacked",
        /// The latest value as a number.
        BigNumber = "bignumber",
    }
}

words! {
    /// What an API token may do.
    Role {
        /// Everything.
        Admin = "admin",
        /// Submit measurements and annotations.
        Recorder = "recorder",
        /// Read.
        Viewer = "viewer",
    }
}
