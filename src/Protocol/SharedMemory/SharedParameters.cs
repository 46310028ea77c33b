using DistNet.Kernels;
using DistNet.Runs;

namespace DistNet.Protocol.SharedMemory;

/// <summary>The parameters' file: one per life of a coordinator, written by its update in place, read in place by all workers of the machine.</summary>
/// <remarks>
/// <para>Nothing is copied: the coordinator's parameters live in this memory, and the version beside them is the one that <see cref="VersionedParameters"/> keeps, so
/// what holds between threads holds between processes. It is 0 while they are overwritten. A reader asks for it when it has finished and drops what it computed
/// from overwritten parameters.</para>
/// <para>A reader that wants the next version waits for the version's word to change; the maker wakes it in <see cref="Publish"/>.</para>
/// <para>The header: magic at 0, floats of the arena at 8, a nonce at 16 that tells this file from any other, the version at 64, at 72 the version
/// with which orders stand (<see cref="LetStand"/>). The arena begins at 4096. The page behind it is the bell's, the only one that readers may write.</para>
/// </remarks>
public sealed class SharedParameters : IParameterVersions, IDisposable
{
    private const long Magic = 0x_3150_4E54_5349_44; // "DISTNP1"
    private const int LengthOffset = 8;
    private const int NonceOffset = 16;
    private const int VersionOffset = 64;
    private const int StandingOffset = 72;
    private const int Page = 4096;

    // A wake-up may be lost (a wait that is given up just before it begins) or never come (a coordinator that was killed): so a reader looks again.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly SharedMapping mapping;
    private readonly SharedMapping bell;
    private int waiting;

    private SharedParameters(SharedMapping mapping, SharedMapping bell, long bellOffset, SharedMemorySizes sizes)
    {
        this.mapping = mapping;
        this.bell = bell;
        Bell = new SharedBell(bell, bellOffset);
        Memory = new ParameterMemory(mapping.Memory<float>(Page, sizes.ArenaLength), mapping.Memory<long>(VersionOffset, 1));
    }

    /// <summary>The arena and the version. Only the maker of the file may write to them.</summary>
    public ParameterMemory Memory { get; }

    /// <summary>What workers ring when they have answered (<see cref="SharedAnswers"/>).</summary>
    public SharedBell Bell { get; }

    /// <summary>How many of this end's threads wait for a version that is not there yet.</summary>
    internal int Waiting => Volatile.Read(ref waiting);

    /// <summary>The nonce that tells this file from any other.</summary>
    public Guid Nonce
    {
        get => mapping.Memory<Guid>(NonceOffset, 1).Span[0];
        private set => mapping.Memory<Guid>(NonceOffset, 1).Span[0] = value;
    }

    /// <summary>The length of the file.</summary>
    public static long Bytes(SharedMemorySizes sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        return BellOffset(sizes) + Page;
    }

    /// <summary>Makes the file, all parameters +0, no version.</summary>
    /// <exception cref="IOException">It cannot be made: the folder is full, for instance.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static SharedParameters Create(string path, SharedMemorySizes sizes)
    {
        SharedMapping mapping = SharedMapping.Create(path, Bytes(sizes));
        try
        {
            mapping.Reserve(0, mapping.Bytes);
            mapping.Word(0) = Magic;
            mapping.Word(LengthOffset) = sizes.ArenaLength;
            return new SharedParameters(mapping, mapping, BellOffset(sizes), sizes) { Nonce = Guid.NewGuid() };
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Opens the file for reading, its bell for ringing.</summary>
    /// <param name="path">Where.</param>
    /// <param name="sizes">As this process reckons them.</param>
    /// <param name="nonce">The nonce that it must have.</param>
    /// <exception cref="IOException">It is not what it must be.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static SharedParameters Open(string path, SharedMemorySizes sizes, Guid nonce)
    {
        SharedMapping mapping = SharedMapping.Open(path, Bytes(sizes), writable: false);
        SharedMapping? bell = null;
        try
        {
            bell = SharedMapping.Open(path, Bytes(sizes), writable: true, BellOffset(sizes));
            SharedParameters parameters = new(mapping, bell, 0, sizes);
            bool matches = mapping.Word(0) == Magic && mapping.Word(LengthOffset) == sizes.ArenaLength && parameters.Nonce == nonce;
            return matches ? parameters : throw new IOException("it holds the parameters of another coordinator");
        }
        catch
        {
            mapping.Dispose();
            bell?.Dispose();
            throw;
        }
    }

    /// <summary>The parameters of one version; waits until they are there.</summary>
    /// <param name="version">Which.</param>
    /// <param name="unwanted">Gives the wait up.</param>
    /// <param name="over">Gives it up as well: the session is over.</param>
    /// <returns>The default handle, never current, when a newer version is there or the wait was given up.</returns>
    public ParameterHandle Fetch(long version, CancellationToken unwanted, CancellationToken over = default)
    {
        if (version <= 0 || !mapping.TryUse())
        {
            return default;
        }

        try
        {
            return Await(version, unwanted, over) ? new ParameterHandle(this, Memory.Values, version) : default;
        }
        finally
        {
            mapping.EndUse();
        }
    }

    /// <inheritdoc/>
    public bool IsCurrent(long version)
    {
        if (!mapping.TryUse())
        {
            return false;
        }

        try
        {
            return Volatile.Read(ref mapping.Word(VersionOffset)) == version;
        }
        finally
        {
            mapping.EndUse();
        }
    }

    /// <summary>The maker: says that the orders of the step before hold for the one that is computed with a version, before that version is there.</summary>
    public void LetStand(long version) => Interlocked.Exchange(ref mapping.Word(StandingOffset), version);

    /// <summary>Whether the maker has said so of a version, or of a later one.</summary>
    public bool Stands(long version)
    {
        if (!mapping.TryUse())
        {
            return false;
        }

        try
        {
            return Volatile.Read(ref mapping.Word(StandingOffset)) >= version;
        }
        finally
        {
            mapping.EndUse();
        }
    }

    /// <summary>The maker: makes a version readable. Nothing is to do where it is this memory's already; a run's that keeps its parameters elsewhere is copied.</summary>
    public void Publish(ParameterHandle parameters)
    {
        if (!IsCurrent(parameters.Version))
        {
            ref long version = ref Memory.Version.Span[0];
            Interlocked.Exchange(ref version, 0);
            parameters.Values.CopyTo(Memory.Values);
            Interlocked.Exchange(ref version, parameters.Version);
        }

        Wake();
    }

    /// <summary>The maker: takes the file's name away. Everybody's memory stays.</summary>
    public void Unlink() => mapping.Unlink();

    /// <summary>Ends this process's use; the maker also takes the file's name away. Nobody may be reading the values.</summary>
    public void Dispose()
    {
        mapping.Dispose();
        bell.Dispose();
    }

    // Whether the version is there; false when it never will be, or nobody waits for it any more.
    private bool Await(long version, CancellationToken unwanted, CancellationToken over)
    {
        ref long word = ref mapping.Word(VersionOffset);
        long seen = Volatile.Read(ref word);
        if (seen >= version)
        {
            return seen == version;
        }

        using CancellationTokenRegistration givenUp = unwanted.UnsafeRegister(static parameters => ((SharedParameters)parameters!).Wake(), this);
        using CancellationTokenRegistration ended = over.UnsafeRegister(static parameters => ((SharedParameters)parameters!).Wake(), this);
        Interlocked.Increment(ref waiting);

        // An overwrite (0) is followed by a newer version, so it is waited for whichever is wanted.
        while ((seen = Volatile.Read(ref word)) < version && !unwanted.IsCancellationRequested && !over.IsCancellationRequested)
        {
            WordWait.While(ref word, seen, Look, unwanted);
        }

        Interlocked.Decrement(ref waiting);
        return seen == version;
    }

    // All who wait look again.
    private void Wake()
    {
        if (mapping.TryUse())
        {
            WordWait.Wake(ref mapping.Word(VersionOffset));
            mapping.EndUse();
        }
    }

    private static long BellOffset(SharedMemorySizes sizes) => Page + Pages(sizes.ArenaLength);

    private static long Pages(int floats) => (((long)floats * sizeof(float)) + Page - 1) / Page * Page;
}
