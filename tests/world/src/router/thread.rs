//! The router's thread: receive, decide, wait, hand on.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec as SystemTimeSpec;
use vantage_wire::Micros;
use vantage_wire::histogram::LatencyHistogram;

use super::agenda::{Agenda, Event};
use super::{Admission, HostPort, RouterReport};
use crate::clock::{self, Nanos, StampBridge};
use crate::config::PathTable;
use crate::error::WorldError;
use crate::network::Namespace;
use crate::sys::{PacketSocket, SchedulingClass, go_real_time};
use crate::truth::{TruthLog, TruthWriter, Verdict};

/// The thread wakes this long before a deadline and watches the clock for the rest: sleeping ends
/// tens of microseconds late.
const SPIN: Duration = Duration::from_micros(50);
/// Frames taken before the agenda is looked at again.
const RECEIVE_AT_ONCE: usize = 16;
/// The longest sleep; nothing depends on it, the thread is woken for everything it waits for.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// A frame is at most this long: no link of a world carries more than 1500 bytes behind the
/// Ethernet header.
const FRAME_BYTES: usize = 2_048;
/// Of every such span the thread may watch the clock for half. The kernel suspends a real-time
/// thread that never rests.
const SPIN_ACCOUNT: Duration = Duration::from_millis(10);

/// What the router is made of.
#[derive(Debug)]
pub struct RouterSetup {
    /// Its namespace, with one link per host.
    pub namespace: Namespace,
    /// The hosts, in the order of the configuration.
    pub ports: Vec<HostPort>,
    /// The paths between them.
    pub paths: PathTable,
    /// Seed of every draw.
    pub seed: u64,
    /// Where the fate of every packet is written.
    pub log: TruthLog,
}

enum Command {
    Change(Box<PathTable>, mpsc::SyncSender<()>),
    Report(mpsc::SyncSender<RouterReport>),
    Stop,
}

/// The running router. Dropping it stops the thread; packets under way are lost.
#[derive(Debug)]
pub struct RouterHandle {
    commands: mpsc::SyncSender<Command>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
}

/// Opens the router's sockets and starts its thread.
///
/// # Errors
/// Where the sockets or the thread cannot be had.
pub fn start(setup: RouterSetup) -> Result<RouterHandle, WorldError> {
    let (receiver, sender) = setup
        .namespace
        .run(|| -> io::Result<_> { Ok((PacketSocket::receiver()?, PacketSocket::sender()?)) })
        .and_then(|sockets| sockets)
        .map_err(WorldError::system("open the router's packet sockets"))?;
    let (wake, woken) = UnixStream::pair()
        .and_then(|(wake, woken)| {
            wake.set_nonblocking(true)?;
            woken.set_nonblocking(true)?;
            Ok((wake, woken))
        })
        .map_err(WorldError::system("make the router's wake-up socket"))?;
    let (commands, queue) = mpsc::sync_channel(16);
    let admission = Admission::new(&setup.ports, &setup.paths, setup.seed, clock::now());
    let by_link = setup.ports.iter().enumerate().map(|(at, port)| (port.link, at)).collect();
    let truth = setup.log.writer();
    let thread = thread::Builder::new()
        .name("router".into())
        .spawn(move || {
            let mut router = Router {
                receiver,
                sender,
                by_link,
                links: setup.ports.iter().map(|port| port.link).collect(),
                admission,
                agenda: Agenda::default(),
                truth,
                lateness: LatencyHistogram::new(),
                scheduling: go_real_time(),
                rest: Rest::default(),
                frames_missed: 0,
                queue,
                woken,
            };
            router.run();
        })
        .map_err(WorldError::system("start the router's thread"))?;
    Ok(RouterHandle { commands, wake, thread: Some(thread) })
}

impl RouterHandle {
    /// Gives the paths other properties, while packets flow. Every packet that leaves after this
    /// has returned meets them.
    ///
    /// # Errors
    /// When the router has stopped.
    pub fn change(&self, paths: PathTable) -> Result<(), WorldError> {
        let (done, changed) = mpsc::sync_channel(1);
        self.command(Command::Change(Box::new(paths), done))?;
        changed.recv().map_err(|_| WorldError::RouterStopped)
    }

    /// How the router has done so far. Everything it did before is in the truth log when this
    /// returns.
    ///
    /// # Errors
    /// When the router has stopped.
    pub fn report(&self) -> Result<RouterReport, WorldError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.command(Command::Report(reply))?;
        answer.recv().map_err(|_| WorldError::RouterStopped)
    }

    fn command(&self, command: Command) -> Result<(), WorldError> {
        self.commands.send(command).map_err(|_| WorldError::RouterStopped)?;
        // A full socket means that the router has been woken already.
        let _ = (&self.wake).write(&[0]);
        Ok(())
    }
}

impl Drop for RouterHandle {
    fn drop(&mut self) {
        // Either fails only where the thread has ended already.
        let _ = self.command(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Router {
    receiver: PacketSocket,
    sender: PacketSocket,
    by_link: HashMap<u32, usize>,
    links: Vec<u32>,
    admission: Admission,
    agenda: Agenda,
    truth: TruthWriter,
    lateness: LatencyHistogram,
    scheduling: SchedulingClass,
    rest: Rest,
    frames_missed: u64,
    queue: mpsc::Receiver<Command>,
    woken: UnixStream,
}

impl Router {
    fn run(&mut self) {
        let mut buffer = [0; FRAME_BYTES];
        loop {
            self.do_due();
            let more = self.receive(&mut buffer);
            self.do_due();
            if !self.obey() {
                return;
            }
            if !more {
                self.wait();
            }
        }
    }

    /// Does what is due. When a packet was handed over is the kernel's own stamp: on a machine
    /// that has been idle, the system call may take tens of microseconds to get there.
    fn do_due(&mut self) {
        while let Some(event) = self.agenda.take_due(clock::now()) {
            match event {
                Event::Deliver { frame, mut record } => {
                    let link = self.links[usize::from(record.to)];
                    let before = clock::now();
                    match self.sender.send(link, &frame) {
                        Ok(stamp) => {
                            let sent = stamp.map_or(before, |at| StampBridge::take().monotonic(at));
                            record.sent = Some(sent);
                            let late = Micros::from_duration_saturating(sent.since(record.due));
                            // It fails only where the count would pass 2^63.
                            let _ = self.lateness.record(late);
                        }
                        Err(_) => record.verdict = Verdict::SendFailed,
                    }
                    self.truth.push(record);
                }
                Event::Kill { from, to, flow } => {
                    self.admission.kill(from, to, flow, clock::now(), &mut self.agenda);
                }
            }
        }
    }

    /// Takes some waiting frames; whether there may be more.
    fn receive(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..RECEIVE_AT_ONCE {
            // An error here is a link that went down; there is nothing to take from it.
            let Ok(Some(received)) = self.receiver.receive(buffer) else { return false };
            let Some(&from) = self.by_link.get(&received.link) else { continue };
            let arrival = match received.stamp_wall_ns {
                // A bridge of its own: a frame that came in after a shared one was taken would
                // seem to have come in before.
                Some(stamp) => StampBridge::take().monotonic(stamp),
                None => clock::now(),
            };
            let settled = self.admission.admit(from, received.frame, arrival, &mut self.agenda);
            if let Some(record) = settled {
                self.truth.push(record);
            }
        }
        true
    }

    /// Carries out what the world asked for; `false` to stop.
    fn obey(&mut self) -> bool {
        loop {
            match self.queue.try_recv() {
                Ok(Command::Change(paths, done)) => {
                    self.admission.change(&paths);
                    // Nobody waits any more: nothing to do about it.
                    let _ = done.send(());
                }
                Ok(Command::Report(reply)) => {
                    self.truth.hand_over();
                    // The count starts anew with every reading.
                    self.frames_missed += u64::from(self.receiver.missed().unwrap_or(0));
                    let _ = reply.send(RouterReport {
                        lateness: self.lateness.clone(),
                        cpu: clock::thread_cpu_time(),
                        scheduling: self.scheduling,
                        frames_missed: self.frames_missed,
                    });
                }
                Err(mpsc::TryRecvError::Empty) => return true,
                Ok(Command::Stop) | Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Sleeps until shortly before the next event, then watches the clock up to it. Frames and
    /// commands end the sleep.
    fn wait(&mut self) {
        let now = clock::now();
        let next = self.agenda.next_at();
        let left = next.map_or(LONGEST_SLEEP, |at| at.since(now).min(LONGEST_SLEEP));
        if let Some(sleep) = left.checked_sub(SPIN).filter(|sleep| !sleep.is_zero()) {
            self.truth.hand_over_if_free();
            self.sleep(sleep);
            return;
        }
        let Some(deadline) = next else { return };
        if self.rest.may_spin(now, left) {
            // A frame that comes meanwhile has its kernel stamp and loses nothing by waiting.
            while clock::now() < deadline {
                std::hint::spin_loop();
            }
        } else {
            self.sleep(left);
        }
    }

    fn sleep(&mut self, span: Duration) {
        let mut waiting = [
            PollFd::new(self.receiver.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
        ];
        // Interrupted or refused, it ends early, which the caller's loop makes good.
        let _ = ppoll(&mut waiting, Some(SystemTimeSpec::from_duration(span)), None);
        let woken = waiting[1].any().unwrap_or(false);
        if woken {
            let mut bytes = [0; 64];
            let _ = (&self.woken).read(&mut bytes);
        }
    }
}

/// Keeps the thread from watching the clock all the time.
#[derive(Debug, Default)]
struct Rest {
    account_from: Nanos,
    spun: Duration,
}

impl Rest {
    /// Whether a spin is within the share of time allowed; it is then accounted for.
    fn may_spin(&mut self, now: Nanos, span: Duration) -> bool {
        if now.since(self.account_from) > SPIN_ACCOUNT {
            *self = Self { account_from: now, spun: Duration::ZERO };
        }
        let allowed = self.spun + span <= SPIN_ACCOUNT / 2;
        if allowed {
            self.spun += span;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_half_of_the_time_is_spent_watching_the_clock() {
        let mut rest = Rest::default();
        let mut spun = Duration::ZERO;
        let step = Duration::from_micros(40);
        let start = Nanos(1_000_000_000);
        for n in 0..2_500 {
            if rest.may_spin(start + step * n, step) {
                spun += step;
            }
        }
        assert!(spun <= step * 2_500 / 2 + SPIN_ACCOUNT && spun > step * 2_500 / 3);
    }
}
