//! The aggregate functions, their names, and how each is written.

use std::fmt;

use crate::{time::Millis, value::Type};

/// An aggregate function over values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Which function.
    pub function: AggregateFunction,
    /// The type of its argument; [`Type::BigInt`] for `count(*)`.
    pub argument: Type,
    /// The type of its result.
    pub result: Type,
}

/// The aggregate functions. All but the counts and the funnel give NULL where they took in no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// `count(*)` counts rows, `count(x)` those where x is not NULL.
    Count,
    /// `count(DISTINCT x)`, exact.
    CountDistinct,
    /// `sum(x)` of BIGINT (which saturates) or DOUBLE.
    Sum,
    /// `min(x)` of any type but JSON.
    Min,
    /// `max(x)` of any type but JSON.
    Max,
    /// `avg(x)` of BIGINT or DOUBLE, as DOUBLE.
    Avg,
    /// `array_agg(DISTINCT x)`: the values in ascending order, as a JSON array.
    ArrayDistinct,
    /// `first(x)`: that of the earliest event, the smallest where several are.
    First,
    /// `last(x)`: that of the latest event, the largest where several are.
    Last,
    /// `approx_count_distinct(x)`.
    ApproxCountDistinct,
    /// `approx_percentile(x, fraction)` of BIGINT or DOUBLE, as DOUBLE.
    ApproxPercentile(Fraction),
    /// `stddev(x)`, `variance(x)` and the like of BIGINT or DOUBLE, as DOUBLE.
    Spread(Spread),
    /// `window_funnel(span, step, ...)`: how many steps were taken in their order within the span. Its
    /// argument has a bit for each step, the lowest for the first.
    WindowFunnel(Millis),
}

/// The most steps of a `window_funnel`.
pub const MOST_STEPS: usize = 32;

/// A measure of how far values lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spread {
    /// `stddev_samp(x)`: the standard deviation of what the values are a sample of.
    DeviationOfSample,
    /// `stddev_pop(x)`: the standard deviation of the values.
    Deviation,
    /// `var_samp(x)`: the square of [`Spread::DeviationOfSample`].
    VarianceOfSample,
    /// `var_pop(x)`: the square of [`Spread::Deviation`].
    Variance,
}

/// A number from 0 to 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction(u64);

impl Fraction {
    /// `x`, if it is from 0 to 1.
    pub fn new(x: f64) -> Option<Self> {
        // Of 0.0 and -0.0 the first, so that equal fractions have equal bits.
        (0.0..=1.0).contains(&x).then(|| Self((x + 0.0).to_bits()))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.get())
    }
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count,
    CountIf,
    Sum,
    SumIf,
    Min,
    Max,
    Avg,
    AvgIf,
    /// `bool_and`: the least of FALSE and TRUE.
    All,
    /// `bool_or`: the greatest.
    Any,
    Array,
    Text,
    First,
    Last,
    ApproxCountDistinct,
    ApproxPercentile,
    Spread(Spread),
    WindowFunnel,
}

const NAMES: [(&str, Kind); 33] = [
    ("count", Kind::Count),
    ("sum", Kind::Sum),
    ("min", Kind::Min),
    ("max", Kind::Max),
    ("avg", Kind::Avg),
    ("count_if", Kind::CountIf),
    ("countif", Kind::CountIf),
    ("sum_if", Kind::SumIf),
    ("sumif", Kind::SumIf),
    ("avg_if", Kind::AvgIf),
    ("avgif", Kind::AvgIf),
    ("bool_and", Kind::All),
    ("every", Kind::All),
    ("bool_or", Kind::Any),
    ("array_agg", Kind::Array),
    ("string_agg", Kind::Text),
    ("first", Kind::First),
    ("first_value", Kind::First),
    ("any_value", Kind::First),
    ("last", Kind::Last),
    ("last_value", Kind::Last),
    ("approx_count_distinct", Kind::ApproxCountDistinct),
    ("approx_percentile", Kind::ApproxPercentile),
    ("percentile_approx", Kind::ApproxPercentile),
    ("approx_quantile", Kind::ApproxPercentile),
    ("stddev", Kind::Spread(Spread::DeviationOfSample)),
    ("stddev_samp", Kind::Spread(Spread::DeviationOfSample)),
    ("stddev_pop", Kind::Spread(Spread::Deviation)),
    ("variance", Kind::Spread(Spread::VarianceOfSample)),
    ("var_samp", Kind::Spread(Spread::VarianceOfSample)),
    ("var_pop", Kind::Spread(Spread::Variance)),
    ("window_funnel", Kind::WindowFunnel),
    ("funnel", Kind::WindowFunnel),
];

/// What an aggregate's name means, if it is one.
pub(super) fn find(name: &str) -> Option<Kind> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    NAMES.iter().map(|(name, _)| *name)
}

impl Kind {
    /// How a call of this name is written, for errors.
    pub(super) fn usage(self, name: &str) -> String {
        let form = match self {
            Self::Count => {
                return "count(*), count(x) or count(DISTINCT x), each perhaps with FILTER (WHERE ...)"
                    .to_owned();
            }
            Self::CountIf => "(condition)",
            Self::SumIf | Self::AvgIf => "(x, condition)",
            Self::All | Self::Any => "(condition), perhaps with FILTER (WHERE ...)",
            Self::Array => "(DISTINCT x), perhaps with FILTER (WHERE ...)",
            Self::Text => "(DISTINCT x, ','), perhaps with FILTER (WHERE ...)",
            Self::ApproxPercentile => "(x, 0.95), perhaps with FILTER (WHERE ...)",
            Self::WindowFunnel => {
                "(INTERVAL '5' MINUTE, first step, second step, ...): at most 32 conditions"
            }
            _ => "(x), perhaps with FILTER (WHERE ...)",
        };
        format!("{name}{form}")
    }
}
