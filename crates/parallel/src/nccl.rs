//! GPUs that exchange values between each other, through NCCL.
//!
//! A communicator may not leave its thread, so it has one of its own. Its work is put on
//! the stream that all work on the GPU is put on, and waits for nothing on the host.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};

use candle_core::cuda_backend::cudarc::nccl::{Comm, Id, group_end, group_start};
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, CustomOp1, Device, Layout, Shape, Tensor, bail,
};

use crate::row::Wire;
use crate::worker::Worker;
use crate::{Error, Group, Result};

/// Bytes of a communicator's name.
const ID: usize = 128;

/// What the thread is asked for: a row, what of it goes to each rank, and how much
/// comes from each.
type Ask = (Tensor, Vec<Range<usize>>, Vec<usize>);

/// A GPU's part in a communicator.
pub(crate) struct Nccl(Worker<Ask, Result<Tensor>>);

impl Nccl {
    /// Joins the GPUs of all ranks; `None` where this rank's tensors lie on the host, or
    /// there are no others. Every rank calls it at once.
    pub(crate) fn join(group: &dyn Group, device: &Device) -> Result<Option<Self>> {
        let Device::Cuda(device) = device else {
            return Ok(None);
        };
        if group.size() == 1 {
            return Ok(None);
        }
        let id = shared_id(group)?;
        Self::open(device.clone(), group.rank(), group.size(), id).map(Some)
    }

    fn open(device: CudaDevice, rank: usize, size: usize, id: Id) -> Result<Self> {
        let (begun, begins) = channel();
        let worker = Worker::start("nccl", move |asked, answer| {
            let comm = match begin(&device, rank, size, id) {
                Ok(comm) => comm,
                Err(error) => {
                    // Whoever joins is there: it waits for this.
                    let _ = begun.send(Err(error));
                    return;
                }
            };
            let _ = begun.send(Ok(()));
            serve(&comm, asked, answer);
        });
        let worker = worker.map_err(|error| Error::Nccl(format!("no thread for it: {error}")))?;
        begins.recv().map_err(|_| ended())??;
        Ok(Self(worker))
    }
}

/// The name of the communicator, which rank 0 makes up and tells.
fn shared_id(group: &dyn Group) -> Result<Id> {
    if group.rank() == 0 {
        let id = Id::new().map_err(failed)?;
        group.tell(id.internal().iter().map(|c| c.cast_unsigned()).collect())?;
        return Ok(id);
    }
    let told: Vec<_> = group.hear()?.into_iter().map(u8::cast_signed).collect();
    let told: [_; ID] = told.try_into().map_err(|_| Error::OutOfStep {
        rank: 0,
        wanted: "naming the GPUs' communicator",
    })?;
    Ok(Id::uninit(told))
}

fn begin(device: &CudaDevice, rank: usize, size: usize, id: Id) -> Result<Comm> {
    let stream = device.cuda_stream();
    // The library takes the GPU that the thread is bound to.
    let bound = stream.context().bind_to_thread();
    bound.map_err(|error| Error::Nccl(error.to_string()))?;
    Comm::from_rank(stream, rank, size, id).map_err(failed)
}

/// Does what is asked until nobody asks any more.
fn serve(comm: &Comm, asked: &Receiver<Ask>, answer: &Sender<Result<Tensor>>) {
    for (row, out, lens) in asked {
        let op = AllToAll { comm, out, lens };
        let given = row.apply_op1_no_bwd(&op).map_err(Error::from);
        if answer.send(given).is_err() {
            return;
        }
    }
}

impl Wire for Nccl {
    fn all_to_all(&self, row: &Tensor, out: &[Range<usize>], lens: &[usize]) -> Result<Tensor> {
        let ask = (row.contiguous()?, out.to_vec(), lens.to_vec());
        self.0.ask(ask).ok_or_else(ended)?
    }
}

impl std::fmt::Debug for Nccl {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("NCCL")
    }
}

/// Every rank's values for every other, at once.
struct AllToAll<'a> {
    comm: &'a Comm,
    out: Vec<Range<usize>>,
    lens: Vec<usize>,
}

impl AllToAll<'_> {
    const NAME: &'static str = "all_to_all";

    /// Puts all sends and receives on the stream; they begin together.
    fn exchange(&self, row: &CudaStorage, layout: &Layout) -> candle_core::Result<CudaStorage> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("{}: the row is not contiguous", Self::NAME)
        };
        let row = (row.as_cuda_slice::<f32>()?.slice(start..end), &row.device);
        let mut given = row.1.alloc_zeros::<f32>(self.lens.iter().sum())?;
        let failed = |error| candle_core::Error::Msg(failed(error).to_string());
        group_start().map_err(failed)?;
        let mut sent = Ok(());
        let mut place = 0;
        for (peer, (range, len)) in (0..).zip(self.out.iter().zip(&self.lens)) {
            let mut from = given.slice_mut(place..place + len);
            place += len;
            sent = sent
                .and_then(|()| self.comm.send(&row.0.slice(range.clone()), peer))
                .and_then(|()| self.comm.recv(&mut from, peer).map(drop));
        }
        // Also after an error, so that the library is not left within a group.
        let ended = group_end();
        sent.map_err(failed)?;
        ended.map_err(failed)?;
        Ok(CudaStorage::wrap_cuda_slice(given, row.1.clone()))
    }
}

impl CustomOp1 for AllToAll<'_> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        bail!("{}: the row lies on the host", Self::NAME)
    }

    fn cuda_fwd(
        &self,
        row: &CudaStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let len: usize = self.lens.iter().sum();
        Ok((self.exchange(row, layout)?, Shape::from(len)))
    }
}

fn ended() -> Error {
    Error::Nccl("its thread has ended".to_string())
}

fn failed(error: candle_core::cuda_backend::cudarc::nccl::result::NcclError) -> Error {
    Error::Nccl(format!("{error:?}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::row::sum_row;
    use crate::{Exchange, threads};

    /// The GPU of a number; `None`, which is said, where there is none.
    fn gpu(ordinal: usize) -> Option<Device> {
        let device = Device::new_cuda_with_stream(ordinal);
        if let Err(error) = &device {
            println!("skipped: no GPU {ordinal}: {error}");
        }
        device.ok()
    }

    #[test]
    fn a_gpu_gives_itself_its_values() {
        let Some(device) = gpu(0) else { return };
        let Device::Cuda(cuda) = &device else {
            panic!("a GPU is one")
        };
        let id = Id::new().expect("a name");
        let nccl = Nccl::open(cuda.clone(), 0, 1, id).expect("a communicator");
        let row = Tensor::arange(0f32, 10., &device).expect("a row");
        let given = nccl
            .all_to_all(&row, std::slice::from_ref(&(3..7)), &[4])
            .expect("values");
        assert_eq!(given.to_vec1::<f32>().expect("values"), [3., 4., 5., 6.]);
    }

    #[test]
    fn two_gpus_give_the_bits_of_the_host() {
        let (Some(first), Some(second)) = (gpu(0), gpu(1)) else {
            return;
        };
        std::thread::scope(|scope| {
            for (group, device) in threads(2).into_iter().zip([first, second]) {
                scope.spawn(move || {
                    let values = values(group.rank());
                    let tensor = Tensor::new(&values[..], &device).expect("a tensor");
                    let mut exchange = Exchange::new(group.as_ref());
                    exchange.join(&device).expect("joined");
                    let sums = exchange.sum(&[tensor]).expect("sums");
                    let sum = sums[0].to_vec1::<f32>().expect("values");
                    assert_eq!(sum, group.sum(values).expect("a sum"));
                });
            }
        });
    }

    /// NCCL lets two ranks share a GPU where they are processes of two hosts by name.
    /// They meet through sockets then, so one GPU tries all but the links between two.
    #[test]
    fn two_processes_that_share_a_gpu_give_the_bits_of_the_host() {
        if gpu(0).is_none() {
            return;
        }
        let id = Id::new().expect("a name");
        let name: Vec<_> = id.internal().iter().map(ToString::to_string).collect();
        let ranks = [0, 1].map(|rank: usize| {
            let program = std::env::current_exe().expect("this program");
            Command::new(program)
                .args(["--exact", "nccl::tests::rank_of_two", "--ignored"])
                .env(RANK, rank.to_string())
                .env(NAME, name.join(" "))
                .env("NCCL_HOSTID", format!("host-{rank}"))
                .spawn()
                .expect("a rank")
        });
        for mut rank in ranks {
            assert!(rank.wait().expect("its end").success());
        }
    }

    const RANK: &str = "ABLATE_TEST_RANK";
    const NAME: &str = "ABLATE_TEST_NAME";

    #[test]
    #[ignore = "a process of the test above"]
    fn rank_of_two() {
        let variable = |name: &str| std::env::var(name).expect("set by the test");
        let rank: usize = variable(RANK).parse().expect("a rank");
        let name = variable(NAME);
        let name: Vec<_> = name
            .split(' ')
            .map(|c| c.parse().expect("a byte"))
            .collect();
        let id = Id::uninit(name.try_into().expect("all of the name"));
        let device = gpu(0).expect("the test's GPU");
        let Device::Cuda(cuda) = &device else {
            panic!("a GPU is one")
        };
        let nccl = Nccl::open(cuda.clone(), rank, 2, id).expect("a communicator");
        // Of the group a row's sum asks for its ranks alone.
        let group = threads(2).swap_remove(rank);
        let row = Tensor::new(&values(rank)[..], &device).expect("a row");
        let sum = sum_row(&nccl, group.as_ref(), &row).expect("a sum");
        let wanted: Vec<_> = std::iter::zip(values(0), values(1))
            .map(|(first, second)| first + second)
            .collect();
        assert_eq!(sum.to_vec1::<f32>().expect("values"), wanted);
    }

    /// What a rank gives.
    fn values(rank: usize) -> Vec<f32> {
        let value = |i: usize| (rank * 31 + i) as f32 / 3.0;
        (0..1001).map(value).collect()
    }
}
