namespace DistNet.Protocol;

/// <summary>Every bound of the tensor plane, with its reason. What exceeds one is refused and counted; none of them can change a result.</summary>
/// <remarks>Together they bound what strangers can take of a coordinator: a connection without a call costs some ten kilobytes for <see cref="IdleConnection"/>,
/// a call without a valid attendance ends before its second message is read, and an attendance has its slots and no more.</remarks>
public static class WireLimits
{
    /// <summary>The version of the protocol and of the order of sums (docs/numerics.md); both ends must have the same. Version 2 brought convolutions by Winograd,
    /// 3 orders that stand, 4 answers beside the gradients in shared memory.</summary>
    public const int ProtocolVersion = 4;

    /// <summary>Bytes of an identifier: a run, an attendance, a process nonce, a proof.</summary>
    public const int IdentifierBytes = 16;

    /// <summary>Bytes of a SHA-256.</summary>
    public const int Sha256Bytes = 32;

    /// <summary>Data of a chunk: large enough that its 40 bytes of header, its frame and its wake-up do not count, small enough that sending, receiving and hashing
    /// overlap. A whole number of floats.</summary>
    public const int ChunkBytes = 256 * 1024;

    /// <summary>A chunk with its fields: what a server takes as one message at the most.</summary>
    public const int MessageBytes = ChunkBytes + 4096;

    /// <summary>A description or a status: the longest job, the names of all files, and a mean and a deviation for each of a million features.</summary>
    public const int DescriptionBytes = 16 << 20;

    /// <summary>A job as JSON. The largest job file written by hand has some kilobytes.</summary>
    public const int JobJsonBytes = 1 << 20;

    /// <summary>Data files of a job: train, validation and test with images and labels are six.</summary>
    public const int DataFiles = 16;

    /// <summary>Values of a mean or a deviation: the features of one sample.</summary>
    public const int NormalizationValues = 1 << 20;

    /// <summary>Floats of an arena, just below 2 GiB: its chunks and its checksum are taken of one span of bytes.</summary>
    public const int ArenaFloats = int.MaxValue / sizeof(float);

    /// <summary>A worker's name, a host, a version, a name of a counter: what a person can read in a line.</summary>
    public const int NameLength = 128;

    /// <summary>A token. 32 random bytes as text have 44 characters; a user may choose a longer one.</summary>
    public const int TokenLength = 1024;

    /// <summary>An address of an actor system, or a path.</summary>
    public const int PathLength = 4096;

    /// <summary>A sentence for the user. A gRPC status travels in a header, percent-encoded, so this stays below <see cref="HeaderBytes"/>.</summary>
    public const int SentenceLength = 1000;

    /// <summary>Threads that a worker may say it has: more than any machine.</summary>
    public const int Threads = 4096;

    /// <summary>Gradients of one session at the coordinator. The cover of a shard of 2^30 slices has 60.</summary>
    public const int Slots = 256;

    /// <summary>Workers that attend at once; as many as the run machine takes.</summary>
    public const int Attendances = Runs.RunLimits.Workers;

    /// <summary>Workers of one address that attend at once: many workers behind one address translator, but not all places of the run.</summary>
    public const int AttendancesPerAddress = 512;

    /// <summary>Refused or accepted attempts to attend per address within <see cref="AttemptWindow"/>: every worker of a large host that comes back at once, three times.
    /// Guessing a token is hopeless long before; this keeps the log and the locks free.</summary>
    public const int AttemptsPerAddress = 3 * AttendancesPerAddress;

    /// <summary>Connections at once: two for every worker, and room for status calls and for strangers.</summary>
    public const int Connections = 4 * Attendances;

    /// <summary>Calls at once on one connection. A worker uploads the nodes of one answer side by side and fetches parameters; more wait for their turn at the client.</summary>
    public const int StreamsPerConnection = 32;

    /// <summary>Calls that hold memory, of one attendance over all its connections: four uploads at once, the parameters, a file, and what a broken connection left hanging.</summary>
    public const int CallsPerAttendance = 12;

    /// <summary>Gradients of one answer that a worker sends side by side; more share the same link without being faster.</summary>
    public const int UploadsAtOnce = 4;

    /// <summary>Connections of one address at once: two for each of its workers, and status calls; one machine cannot take all.</summary>
    public const int ConnectionsPerAddress = (2 * AttendancesPerAddress) + 64;

    /// <summary>All headers of a call. gRPC's have some 300 bytes; ours add none.</summary>
    public const int HeaderBytes = 8 * 1024;

    /// <summary>Headers of a call, by number.</summary>
    public const int HeaderCount = 32;

    /// <summary>The table of header compression; gRPC repeats a dozen headers.</summary>
    public const int HeaderTableBytes = 4 * 1024;

    /// <summary>What one call may send before it is read: three chunks, so that the sender need not wait for the receiver's thread.</summary>
    public const int StreamWindowBytes = 768 * 1024;

    /// <summary>What one connection may send before it is read. With <see cref="Connections"/> it bounds the unread bytes of all.</summary>
    public const int ConnectionWindowBytes = 1024 * 1024;

    /// <summary>What the coordinator keeps of an answer whose reader is slow; afterwards the writer waits. One chunk.</summary>
    public const int ResponseBufferBytes = ChunkBytes;

    /// <summary>A connection without a call is closed after this time. Workers in a long step then connect anew, which takes a millisecond.</summary>
    public static readonly TimeSpan IdleConnection = TimeSpan.FromSeconds(20);

    /// <summary>The headers of a call must have come within this time.</summary>
    public static readonly TimeSpan RequestHeaders = TimeSpan.FromSeconds(5);

    /// <summary>A TLS handshake must end within this time.</summary>
    public static readonly TimeSpan TlsHandshake = TimeSpan.FromSeconds(5);

    /// <summary>The first message of Attend must come within this time.</summary>
    public static readonly TimeSpan Hello = TimeSpan.FromSeconds(2);

    /// <summary>Between two beats, at both ends.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>A peer that is silent for longer has ended its session: twenty beats, which no pause of a garbage collector explains.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>A gradient or the parameters must have passed within this time; the step's deadline comes long before. The time of the parameters begins with their first
    /// chunk: until they are published, the call waits for as long as its session, or its shard, lasts.</summary>
    public static readonly TimeSpan Transfer = TimeSpan.FromSeconds(60);

    /// <summary>A worker pings a connection on which it waits for a tensor and hears nothing for this time: longer than most steps, so that it costs nothing.</summary>
    public static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(15);

    /// <summary>An answer to a ping must come within this time, or the connection is made anew; a machine whose cores all compute answers late.</summary>
    public static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(20);

    /// <summary>A chunk of a file must have been taken within this time; a file itself may take hours.</summary>
    public static readonly TimeSpan DataChunk = TimeSpan.FromSeconds(30);

    /// <summary>A short call (Describe, Status) must end within this time.</summary>
    public static readonly TimeSpan ShortCall = TimeSpan.FromSeconds(10);

    /// <summary>Attempts to attend are counted over this time.</summary>
    public static readonly TimeSpan AttemptWindow = TimeSpan.FromSeconds(10);

    /// <summary>The first pause before a gradient that found no slot is sent again; it doubles.</summary>
    public static readonly TimeSpan FirstUploadPause = TimeSpan.FromMilliseconds(2);

    /// <summary>The longest such pause.</summary>
    public static readonly TimeSpan LongestUploadPause = TimeSpan.FromMilliseconds(50);

    /// <summary>How often a gradient is sent anew after its connection broke or its checksum failed, while the session goes on.</summary>
    public const int UploadAttempts = 4;
}
