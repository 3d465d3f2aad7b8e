//! The whole demo, brought up: see [`super::world`] for what it shows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::network::{LOOPBACK_NOTE, Network};
use super::setup;
pub(crate) use super::setup::{Known, VIEWER, items};
use super::site::{Past, Plot};
use super::world::{TENANTS, sites};
use super::{Again, Pace};
use crate::Result;
use crate::cmd::{self, Cmd, note};
use crate::http::Client;
use crate::json::Json;
use crate::services::{Services, pid_file};
use crate::stack::place::{Place, kept, random_password};
use crate::stack::{EMAIL, Settings, until};

const ANSWERS_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Progress is told no more often.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(crate) struct Show {
    services: Services,
    client: Client,
    pub(crate) url: String,
    pub(crate) password: String,
    /// Each site has one of its own, and a link out of it.
    pub(crate) has_networks: bool,
    pub(crate) viewer_password: String,
    known: Known,
    /// Devices with a configuration, by id.
    with_config: Vec<String>,
    fetched: Instant,
    pace: Pace,
}

impl Show {
    /// Returns once all that answers has answered in this run.
    pub(crate) fn up(settings: &Settings, pace: Pace) -> Result<Self> {
        let place = Place::open(settings)?;
        let network = Network::of(&settings.folder)?;
        if network.is_loopback() {
            note(LOOPBACK_NOTE);
        }
        let viewer_password = kept(&place.folder.join("viewer"), || Ok(random_password()))?;
        let mut services = Services::new()?;
        place.make_user()?;
        for (at, tenant) in TENANTS.iter().enumerate() {
            place.once(&format!("tenant-{at}"), || make_tenant(&place, tenant.name))?;
        }
        let client = place.start_collector(&mut services)?;
        let mut plots = Vec::new();
        for site in sites() {
            let plot = Plot::open(&place, network, site)?;
            plot.enrol()?;
            plot.write_field(&pace)?;
            plots.push(plot);
        }
        let known = setup::devices(&client, &plots, network)?;
        place.once("names", || setup::name_agents(&client, &plots, &known))?;
        place.once("backups", || setup::backups(&client, &known))?;
        place.once("viewer", || setup::viewer(&client, &known, &viewer_password))?;
        let past = past(&place, pace.history_hours)?;
        let is_first = !place.has("history");
        place.once("history", || send_history(&plots, &known, past))?;
        let mut holders = Vec::new();
        for plot in &plots {
            holders.push(plot.start_gear(&mut services)?);
        }
        if is_first {
            // Sending it took its time: agents go on where it ends.
            of_all(&plots, |plot| plot.since(past))?;
        }
        let begun = latest_samples(&client)?;
        for (plot, holder) in plots.iter().zip(holders) {
            plot.start_agent(&mut services, holder, &pace)?;
        }
        wait_for_answers(&client, &mut services, &begun)?;
        place.once("states", || plots.iter().try_for_each(|plot| plot.states(past).run()))?;
        let mut show = Self {
            services,
            client,
            url: format!("http://{}/", settings.http),
            password: place.password.clone(),
            has_networks: !network.is_loopback(),
            viewer_password,
            with_config: with_config(&known),
            known,
            fetched: Instant::now(),
            pace,
        };
        show.fetch()?;
        Ok(show)
    }

    /// Keeps it going: what has ended is started again, see [`Services::keep`].
    pub(crate) fn keep(&mut self) -> Result {
        self.services.keep()?;
        if self.fetched.elapsed() >= Duration::from_secs(self.pace.fetch_every_s) {
            self.fetched = Instant::now();
            // A long demo outlives its session.
            if self.fetch().is_err() {
                let again = self.client.login(EMAIL, &self.password).and_then(|()| self.fetch());
                again.unwrap_or_else(|problem| note(&format!("no configuration: {problem}")));
            }
        }
        Ok(())
    }

    /// Asks the API again and again, and keeps it going meanwhile.
    pub(crate) fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        mut is_so: impl FnMut(&Client, &Known) -> Result<bool>,
    ) -> Result {
        let start = Instant::now();
        while !is_so(&self.client, &self.known)? {
            self.keep()?;
            if start.elapsed() > limit {
                return Err(format!("waited {} s for {what}", limit.as_secs()).into());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Names of what has ended by itself and was started again.
    pub(crate) fn restarted(&self) -> &[String] {
        self.services.restarted()
    }

    /// Has the configurations fetched.
    fn fetch(&mut self) -> Result {
        for id in &self.with_config {
            self.client.post(&format!("/api/v1/devices/{id}/backup/run"), "{}")?;
        }
        Ok(())
    }
}

fn make_tenant(place: &Place, name: &str) -> Result {
    place.collector(&["tenant", "create", "--name", name, "--demo"]).run()
}

/// Up to when the demo was begun.
fn past(place: &Place, hours: u32) -> Result<Past> {
    let now = || Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string());
    Ok(Past { hours, until_s: kept(&place.folder.join("began"), now)?.parse()? })
}

/// Of all sites at once.
fn send_history(plots: &[Plot<'_>], known: &Known, past: Past) -> Result {
    note(&format!("sending {} hours of history", past.hours));
    for plot in plots {
        plot.write_devices(known)?;
    }
    of_all(plots, |plot| plot.samples(past))
}

/// Runs a program of each site, all at once.
fn of_all<'a>(plots: &[Plot<'a>], program: impl Fn(&Plot<'a>) -> Cmd + Sync) -> Result {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            plots.iter().map(|plot| scope.spawn(|| program(plot).run())).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).try_for_each(|one| {
            one.unwrap_or_else(|_| Err("history: a thread has panicked".into()))
        })
    })
}

fn with_config(known: &Known) -> Vec<String> {
    let devices = sites().flat_map(|(_, site)| site.devices);
    let named = devices.filter(|device| device.ssh.is_some()).map(|device| device.name);
    named.filter_map(|name| known.devices.get(name).cloned()).collect()
}

/// Name and time of the last sample of each device that has one.
fn latest_samples(client: &Client) -> Result<BTreeSet<(String, String)>> {
    let devices = items(client, "/api/v1/devices?limit=1000")?;
    let sample = |device: &Json| {
        Some((device.text("name")?.to_owned(), device.text("last_sample_at")?.to_owned()))
    };
    Ok(devices.iter().filter_map(sample).collect())
}

fn wait_for_answers(
    client: &Client,
    services: &mut Services,
    begun: &BTreeSet<(String, String)>,
) -> Result {
    let all = sites().flat_map(|(_, site)| site.devices).count();
    let wanted: BTreeSet<&str> = sites()
        .flat_map(|(_, site)| site.devices)
        .filter(|device| device.answers())
        .map(|device| device.name)
        .collect();
    let mut told = Instant::now();
    let mut last = 0;
    until("the devices' answers", ANSWERS_WITHIN, services, || {
        let now = latest_samples(client)?;
        let new: BTreeSet<&str> = now.difference(begun).map(|(name, _)| name.as_str()).collect();
        let is_done = wanted.is_subset(&new);
        if new.len() != last && (is_done || told.elapsed() >= TELL_EVERY) {
            (last, told) = (new.len(), Instant::now());
            note(&format!("{last} of {all} devices answer"));
        }
        Ok(is_done)
    })
}

impl Show {
    /// Where to look, for whoever has started it. The last line is for programs, too.
    pub(crate) fn tell(&self, again: &Again) {
        for line in [
            "",
            "Two tenants share 192.168.88.0/24; three sites, 30 devices. What to look at:",
            "  Summit Jungfrau   its link is cut for 4 minutes in 15, first 3 minutes from now: its agent",
            "                    goes offline, an alert fires, and afterwards nothing is missing",
            "  sw-bern-1         a port goes down and up every 90 s and raises an alert",
            "  sw-bern-2         runs hot: an alert after five minutes",
            "  cpe-old-mill      is dead; relay-moench dies for 3 minutes in 15",
            "  tower-bantiger    a bad line: lost echo requests and a long way",
            "  srx-harbour       is asked with SNMPv3",
            "  core-bern         a busy uplink, and a configuration that changes every 4 minutes",
        ] {
            cmd::result(line);
        }
        cmd::result(&format!("  one tenant only   {VIEWER} {}", self.viewer_password));
        let logs = again.folder.join("logs");
        let pid = cmd::display(pid_file(&logs.join("bern-agent.log")).as_os_str());
        cmd::result(&format!(
            "  a crash           kill -9 $(cat {pid}): it is back in 5 s, with a gap"
        ));
        cmd::result(&format!("All of it is made up: {again} --remove takes it away"));
        cmd::result(&format!("ready {} {EMAIL} {}", self.url, self.password));
    }
}
