use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::timeouts::Timeouts;

/// The pause before the next attempt, or `None` if there should be no other. It doubles with each attempt;
/// `random`, from the whole range, varies it by half, so that agents that failed together do not retry
/// together. `wait` is the pause that the server asked for.
pub(crate) fn pause(
    timeout: &Timeouts,
    attempts: u32,
    wait: Option<Duration>,
    random: u32,
) -> Option<Duration> {
    if attempts > timeout.retries {
        return None;
    }
    let longest = timeout.pause.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let longest = longest.min(timeout.longest_pause);
    let half = longest / 2;
    let pause = half + half.mul_f64(f64::from(random) / f64::from(u32::MAX));
    match wait {
        // An earlier attempt would be refused again.
        Some(wait) if wait > timeout.longest_pause => None,
        Some(wait) => Some(wait.max(pause)),
        None => Some(pause),
    }
}

/// Reads `Retry-After`: seconds, or a date by the server's own clock.
pub(crate) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text: &str| httpdate::parse_http_date(text.trim()).ok();
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Some(date(text)?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        headers.extend(date.map(|date| (DATE, date.parse().unwrap())));
        headers
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        let now = Some("Mon, 23 Nov 2026 16:00:00 GMT");
        for (text, date, seconds) in [
            ("7", None, Some(7.0)),
            (" 0.25 ", None, Some(0.25)),
            ("Mon, 23 Nov 2026 16:00:20 GMT", now, Some(20.0)),
            ("Mon, 23 Nov 2026 15:00:00 GMT", now, Some(0.0)),
            ("Mon, 23 Nov 2026 16:00:20 GMT", None, None),
            ("-3", None, None),
            ("NaN", None, None),
            ("1e300", None, None),
            ("soon", now, None),
        ] {
            assert_eq!(after(&headers(text, date)), seconds.map(Duration::from_secs_f64), "{text}");
        }
        assert_eq!(after(&HeaderMap::new()), None);
    }

    #[test]
    fn each_pause_is_twice_as_long_and_random_by_half() {
        let timeout = Timeouts {
            retries: 8,
            pause: Duration::from_millis(400),
            longest_pause: Duration::from_secs(3),
            ..Timeouts::default()
        };
        let ms = |attempts, random| pause(&timeout, attempts, None, random).map(|pause| pause.as_millis());
        assert_eq!([ms(1, 0), ms(1, u32::MAX)], [Some(200), Some(400)]);
        assert_eq!([ms(2, 0), ms(2, u32::MAX)], [Some(400), Some(800)]);
        assert_eq!([ms(8, 0), ms(8, u32::MAX)], [Some(1500), Some(3000)]);
        assert_eq!(ms(9, 0), None);
    }

    #[test]
    fn there_is_no_retry_if_the_server_asks_for_too_long_a_pause() {
        let timeout = Timeouts::default();
        let second = Duration::from_secs(1);
        assert_eq!(pause(&timeout, 1, Some(second * 5), 0), Some(second * 5));
        assert_eq!(pause(&timeout, 1, Some(timeout.longest_pause + second), 0), None);
        assert_eq!(pause(&timeout, 1, Some(Duration::ZERO), 0), Some(timeout.pause / 2));
    }
}
