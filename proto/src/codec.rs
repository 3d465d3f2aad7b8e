//! How messages are written and read: tonic's own codec for prost, with buffers that fit a stream which mostly waits.

use std::marker::PhantomData;

use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// Of each direction of each call, for as long as it lasts. tonic's 8 KiB twice were a sixth of what an agent
/// takes of the collector's memory. A larger message makes its buffer grow, which stays so while the call lasts.
const BUFFER_BYTES: usize = 1024;
/// tonic's default: what is encoded goes out when there is so much of it.
const YIELD_BYTES: usize = 32 * 1024;

/// Of messages `T` out and `U` in.
#[derive(Clone, Debug)]
pub(crate) struct SmallCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for SmallCodec<T, U>
where
    T: prost::Message + Send + 'static,
    U: prost::Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(BUFFER_BYTES, YIELD_BYTES))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(BufferSettings::new(BUFFER_BYTES, YIELD_BYTES))
    }
}
