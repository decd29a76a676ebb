//! Whether two samples come from one distribution, by three tests that look at different things.

/// The result of a comparison.
pub(crate) struct Found {
    /// Welch's t, the one of all crops that is furthest from 0: the means, without the slowest.
    pub(crate) t: f64,
    /// Mann–Whitney: how likely ranks as uneven as these are by chance.
    pub(crate) rank_p: f64,
    /// Kolmogorov–Smirnov: the same for the largest distance between the distributions.
    pub(crate) shape_p: f64,
}

/// Beyond this a difference of means counts as found (as in dudect).
pub(crate) const T_LIMIT: f64 = 4.5;
/// Below this a p counts as found: six comparisons by two tests, at about 1 % in all.
pub(crate) const P_LIMIT: f64 = 0.001;
/// Percentiles above which samples are left out, one after the other.
const CROPS: [usize; 8] = [50, 60, 70, 80, 90, 95, 99, 100];
/// Differences that are tried, in microseconds.
const SHIFTS: [f64; 9] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

impl Found {
    pub(crate) fn differs(&self) -> bool {
        self.t.abs() > T_LIMIT || self.rank_p < P_LIMIT || self.shape_p < P_LIMIT
    }
}

pub(crate) fn compare(one: &[f64], other: &[f64]) -> Found {
    let both = sorted(&[one, other].concat());
    let crops = CROPS.map(|crop| {
        let limit = both[(both.len() - 1) * crop / 100];
        let cropped =
            |sample: &[f64]| sample.iter().copied().filter(|time| *time <= limit).collect::<Vec<_>>();
        welch(&cropped(other), &cropped(one))
    });
    let t = crops.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default();
    Found { t, rank_p: mann_whitney(one, other), shape_p: kolmogorov_smirnov(one, other) }
}

/// The smallest of some differences that the comparison would have found between `one` and `other`.
pub(crate) fn detectable(one: &[f64], other: &[f64]) -> f64 {
    let shifted = |by: f64| other.iter().map(|time| time + by).collect::<Vec<_>>();
    SHIFTS.into_iter().find(|by| compare(one, &shifted(*by)).differs()).unwrap_or(f64::INFINITY)
}

pub(crate) fn median(sample: &[f64]) -> f64 {
    sorted(sample)[sample.len() / 2]
}

fn sorted(sample: &[f64]) -> Vec<f64> {
    let mut sample = sample.to_vec();
    sample.sort_by(f64::total_cmp);
    sample
}

fn welch(one: &[f64], other: &[f64]) -> f64 {
    let moments = |sample: &[f64]| {
        let count = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / count;
        let variance = sample.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((a, of_a), (b, of_b)) = (moments(one), moments(other));
    (a - b) / (of_a + of_b).sqrt()
}

/// Two-sided, by the normal approximation. Times in nanoseconds have few ties; equal ones share their rank.
fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<_> =
        one.iter().map(|time| (*time, true)).chain(other.iter().map(|time| (*time, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = 0.0;
    let mut at = 0;
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = at as f64 + f64::midpoint(tied.len() as f64, 1.0);
        ranks += rank * tied.iter().filter(|(_, of_one)| *of_one).count() as f64;
        at += tied.len();
    }
    let (a, b) = (one.len() as f64, other.len() as f64);
    let u = ranks - a * (a + 1.0) / 2.0;
    let z = (u - a * b / 2.0) / (a * b * (a + b + 1.0) / 12.0).sqrt();
    two_sided(z)
}

fn kolmogorov_smirnov(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (sorted(one), sorted(other));
    let share =
        |sample: &[f64], time: f64| sample.partition_point(|each| *each <= time) as f64 / sample.len() as f64;
    let distance = |time: &f64| (share(&one, *time) - share(&other, *time)).abs();
    let distance = one.iter().chain(&other).map(distance).fold(0.0, f64::max);
    let (a, b) = (one.len() as f64, other.len() as f64);
    let lambda = distance * (a * b / (a + b)).sqrt();
    if lambda < 0.2 {
        return 1.0;
    }
    let term =
        |k: i32| if k % 2 == 1 { 2.0 } else { -2.0 } * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// How likely a standard normal variable is as far from 0 as `z`, by a rational approximation (error below 1e-7).
fn two_sided(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.into_iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    (2.0 * sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()).clamp(0.0, 1.0)
}
