import { setTimeout as rest } from 'node:timers/promises';
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { TwoTowerError } from '../errors.js';
import { bytesOf, type Ranks } from './ranks.js';

/** Counts in MPI are C ints. */
const MOST = 2 ** 31 - 1;
/** Milliseconds that a rank looks out for others without a rest. */
const PATIENCE = 5;
/** MPI_IN_PLACE and MPI_STATUS_IGNORE of Open MPI. */
const IN_PLACE = 1n;
const IGNORE = null;

/**
 * Joins the processes that `mpirun` of Open MPI has started, through the library itself (MPI 3.1, chapters 5 and 8). Other
 * implementations of MPI have other handles.
 *
 * @throws TRAIN_RANKS where koffi or the library cannot be loaded
 */
export async function openMpi(): Promise<Ranks> {
  // Ranks share their cores with the threads that prepare batches: whoever waits lets others run. Read by MPI_Init.
  process.env.OMPI_MCA_mpi_yield_when_idle ??= '1';
  const library = await loadLibrary();
  const call = (name: string, parameters: string): KoffiFunc<(...given: unknown[]) => number> =>
    library.func(`int ${name}(${parameters})`);
  const handle = (name: string): bigint => library.symbol(name);
  const world = handle('ompi_mpi_comm_world');
  const byte = handle('ompi_mpi_byte');
  const float = handle('ompi_mpi_float');
  const int = handle('ompi_mpi_int');
  const plus = handle('ompi_mpi_op_sum');
  call('MPI_Init', 'void*, void*')(null, null);
  const number = (name: string) => {
    const result = new Int32Array(1);
    call(name, 'void*, void*')(world, result);
    return result[0]!;
  };
  const rank = number('MPI_Comm_rank');
  const size = number('MPI_Comm_size');
  const allreduce = call('MPI_Allreduce', 'void*, void*, int, void*, void*, void*');
  const allgatherv = call('MPI_Allgatherv', 'void*, int, void*, void*, void*, void*, void*, void*');
  const alltoall = call('MPI_Alltoall', 'void*, int, void*, void*, int, void*, void*');
  const alltoallv = call('MPI_Alltoallv', 'void*, void*, void*, void*, void*, void*, void*, void*, void*');
  const bcast = call('MPI_Bcast', 'void*, int, void*, int, void*');
  const ibarrier = call('MPI_Ibarrier', 'void*, void*');
  const test = call('MPI_Test', 'void*, void*, void*');
  const finalize = call('MPI_Finalize', '');
  const abort = call('MPI_Abort', 'void*, int');

  /** Until every rank has come here, without keeping a core or the event loop busy. */
  const meet = async () => {
    const request = new BigUint64Array(1);
    const done = new Int32Array(1);
    ibarrier(world, request);
    const since = performance.now();
    for (;;) {
      test(request, done, IGNORE);
      if (done[0] !== 0) return;
      if (performance.now() - since > PATIENCE) await rest(1);
    }
  };

  const sending = reused();
  const receiving = reused();

  return {
    rank,
    size,
    async sum(values) {
      allreduce(IN_PLACE, values, counted(values.length), float, plus, world);
    },
    async gather(own, lengths, into) {
      const { counts, starts } = layOut(lengths);
      allgatherv(own, own.length, byte, into, counts, starts, byte, world);
    },
    async swap(parts) {
      const out = layOut(parts.map(({ length }) => length));
      const sent = sending(out.total);
      parts.forEach((part, r) => {
        sent.set(part, out.starts[r]);
      });
      const lengths = new Int32Array(size);
      alltoall(out.counts, 1, int, lengths, 1, int, world);
      const come = layOut([...lengths]);
      const received = receiving(come.total);
      alltoallv(sent, out.counts, out.starts, byte, received, come.counts, come.starts, byte, world);
      return [...come.counts].map((count, r) => received.subarray(come.starts[r]!, come.starts[r]! + count));
    },
    async broadcast(bytes) {
      await meet();
      const length = Int32Array.of(counted(bytes?.length ?? 0));
      bcast(length, 1, int, 0, world);
      const all = rank === 0 ? bytes! : new Uint8Array(length[0]!);
      bcast(bytesOf(all), length[0]!, byte, 0, world);
      return all;
    },
    async leave() {
      await meet();
      finalize();
    },
    abort(exitCode) {
      abort(world, exitCode);
      process.exit(exitCode);
    },
  };
}

/** Hands out the same memory again and again, more of it when it is asked for more. */
function reused(): (length: number) => Uint8Array {
  let memory = new Uint8Array();
  return (length) => {
    if (memory.length < length) memory = new Uint8Array(length + (length >> 2));
    return memory.subarray(0, length);
  };
}

function layOut(lengths: readonly number[]): { counts: Int32Array; starts: Int32Array; total: number } {
  const counts = Int32Array.from(lengths);
  const starts = new Int32Array(lengths.length);
  let total = 0;
  lengths.forEach((length, r) => {
    starts[r] = total;
    total += length;
  });
  return { counts, starts, total: counted(total) };
}

function counted(length: number): number {
  if (length <= MOST) return length;
  throw new TwoTowerError(
    'TRAIN_RANKS',
    `${length} bytes cannot be exchanged at once`,
    'Lower training.batchSize, or train with more ranks.',
  );
}

async function loadLibrary(): Promise<LibraryHandle> {
  let koffi: typeof import('koffi');
  try {
    koffi = await import('koffi');
  } catch (cause) {
    const { message } = cause as Error;
    throw new TwoTowerError(
      'TRAIN_RANKS',
      `this process was started by mpirun, but koffi cannot be loaded on ${process.platform} ${process.arch}: ${message}`,
      'npm install koffi, or start one process without mpirun.',
    );
  }
  const names = ['libmpi.so.40', 'libmpi.so', 'libmpi.40.dylib', 'libmpi.dylib'];
  const failures: string[] = [];
  for (const name of names) {
    try {
      // Open MPI's plugins look for its symbols among those of the whole process.
      const library = koffi.load(name, { global: true, lazy: true });
      library.symbol('ompi_mpi_comm_world');
      return library;
    } catch (cause) {
      failures.push(`${name}: ${(cause as Error).message}`);
    }
  }
  throw new TwoTowerError(
    'TRAIN_RANKS',
    `this process was started by mpirun, but Open MPI's library cannot be loaded:\n${failures.map((line) => `    ${line}`).join('\n')}`,
    'Install Open MPI 4 (openmpi-bin on Debian and Ubuntu), or add the folder of its libmpi to LD_LIBRARY_PATH.',
  );
}
