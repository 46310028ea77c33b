namespace DistNet.Protocol.SharedMemory;

/// <summary>The gradients' file of one session: slots that the worker's computer writes in place and the coordinator sums from in place.</summary>
/// <remarks>
/// <para>Each slot has one owner at a time, by a word in the header that changes by compare-and-swap alone:</para>
/// <code>
/// free ──worker──► written ──worker──► delivered(ticket) ──coordinator──► taken(ticket) ──coordinator──► free
///        ▲────────worker──┘              └──worker: it was not taken──► free
/// </code>
/// <para>So a worker that was stopped and goes on writes only what nobody reads, and a message that comes late finds its slot gone, never its content changed.
/// The file belongs to one session; when that is over it is given up, never used again.</para>
/// <para>The first slots are used first, and a slot's memory is taken at its first use: the file is as long as the worst case, the memory is what a run needs.</para>
/// <para>The header: magic at 0, floats of an arena at 8, slots at 16, the session's nonce at 32, the parameters' nonce at 48, the worker's proof at 64; from
/// 4096 on a word per slot, 64 bytes apart. The answers and the slots follow at multiples of 4096.</para>
/// </remarks>
public sealed class SharedGradients : IDisposable
{
    /// <summary>The most slots of a session: more than the largest batch needs, see <see cref="SlotsFor"/>.</summary>
    public const int MostSlots = 256;

    private const long Magic = 0x_3147_4E54_5349_44; // "DISTNG1"
    private const int LengthOffset = 8;
    private const int SlotsOffset = 16;
    private const int NonceOffset = 32;
    private const int ParametersNonceOffset = 48;
    private const int ProofOffset = 64;
    private const int WordsOffset = 4096;
    private const int WordBytes = 64;
    private const int Page = 4096;

    // A shard's gradients are few as a rule: with two slots taken at the start, a session that begins at all does not run into a full folder at its first step.
    private const int SlotsAtStart = 2;

    private const long Free = 0;
    private const long Written = 1;
    private const long Delivered = 2;
    private const long Taken = 3;
    private const int StateBits = 2;

    private readonly bool[] reserved;

    private SharedGradients(SharedMapping mapping, int arenaLength, int slots)
    {
        Mapping = mapping;
        ArenaLength = arenaLength;
        Slots = slots;
        reserved = new bool[slots];
        Answers = new SharedAnswers(mapping, HeaderBytes(slots));
    }

    /// <summary>The memory; a lease of a slot is a use of it.</summary>
    public SharedMapping Mapping { get; }

    /// <summary>What the worker answers.</summary>
    public SharedAnswers Answers { get; }

    /// <summary>Floats of a slot.</summary>
    public int ArenaLength { get; }

    /// <summary>How many slots there are.</summary>
    public int Slots { get; }

    /// <summary>The session's nonce, by which the worker knows the file.</summary>
    public Guid Nonce
    {
        get => Identifier(NonceOffset);
        private set => Identifier(NonceOffset) = value;
    }

    /// <summary>The nonce of the parameters' file.</summary>
    public Guid ParametersNonce
    {
        get => Identifier(ParametersNonceOffset);
        private set => Identifier(ParametersNonceOffset) = value;
    }

    /// <summary>The worker's proof that it has this memory; all zeros until it has written one.</summary>
    public Guid Proof
    {
        get => Identifier(ProofOffset);
        set => Identifier(ProofOffset) = value;
    }

    /// <summary>The length of the file.</summary>
    public static long Bytes(int arenaLength, int slots) => SlotOffset(slots, arenaLength, slots);

    /// <summary>How many slots a session can need: the nodes of several shards of one step, and what one more needs while it is computed.</summary>
    /// <param name="sliceCount">The slices of a batch.</param>
    /// <remarks>No session can have more nodes than slices at once. Above that the coordinator folds what it has, so that the nodes of one worker are those between
    /// the gaps that others still compute: four covers are more gaps than a step has. A shard of the next step may be computed before the coordinator has given back
    /// those of the last one, as both go on when the update is made. The memory of a slot is taken when it is first used, so that a slot too many costs nothing.</remarks>
    public static int SlotsFor(int sliceCount) =>
        Math.Min(MostSlots, Math.Min(sliceCount, 4 * Runs.CanonicalSum.MostNodes(sliceCount)) + Training.ShardFold.MostLeases(sliceCount));

    /// <summary>Makes the file of a new session.</summary>
    /// <param name="path">Where.</param>
    /// <param name="arenaLength">Floats of a slot.</param>
    /// <param name="slots">How many slots.</param>
    /// <param name="parametersNonce">The nonce of the parameters' file.</param>
    /// <exception cref="IOException">It cannot be made: the folder is full, for instance.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static SharedGradients Create(string path, int arenaLength, int slots, Guid parametersNonce)
    {
        Invariant.Holds(slots is >= 1 and <= MostSlots && arenaLength > 0);
        SharedMapping mapping = SharedMapping.Create(path, Bytes(arenaLength, slots));
        try
        {
            mapping.Reserve(0, SlotOffset(Math.Min(SlotsAtStart, slots), arenaLength, slots));
            SharedGradients gradients = new(mapping, arenaLength, slots);
            mapping.Word(0) = Magic;
            mapping.Word(LengthOffset) = arenaLength;
            mapping.Word(SlotsOffset) = slots;
            gradients.Nonce = Guid.NewGuid();
            gradients.ParametersNonce = parametersNonce;
            return gradients;
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Opens the file of a session.</summary>
    /// <param name="path">Where.</param>
    /// <param name="bytes">The length it must have.</param>
    /// <param name="arenaLength">Floats of the arena, as this process knows it.</param>
    /// <param name="nonce">The nonce that it must have.</param>
    /// <exception cref="IOException">It is not what it must be.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static SharedGradients Open(string path, long bytes, int arenaLength, Guid nonce)
    {
        if (bytes < WordsOffset || bytes > Bytes(arenaLength, MostSlots))
        {
            throw new IOException($"no file of gradients has {bytes} bytes");
        }

        SharedMapping mapping = SharedMapping.Open(path, bytes, writable: true);
        try
        {
            long slots = mapping.Word(SlotsOffset);
            bool fits = mapping.Word(0) == Magic && mapping.Word(LengthOffset) == arenaLength && slots is >= 1 and <= MostSlots && bytes == Bytes(arenaLength, (int)slots);
            if (!fits)
            {
                throw new IOException("it is not laid out for this model");
            }

            SharedGradients gradients = new(mapping, arenaLength, (int)slots);
            gradients.reserved.AsSpan(0, Math.Min(SlotsAtStart, gradients.Slots)).Fill(true);
            return gradients.Nonce == nonce ? gradients : throw new IOException("another session's nonce stands in it");
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>The floats of a slot.</summary>
    public Memory<float> Values(int slot) => Mapping.Memory<float>(SlotOffset(slot, ArenaLength, Slots), ArenaLength);

    /// <summary>The worker: makes the first free slot its own, with memory behind it.</summary>
    /// <returns>False: all are in use.</returns>
    /// <exception cref="IOException">The folder is full.</exception>
    public bool TryBegin(out int slot)
    {
        for (slot = 0; slot < Slots; slot++)
        {
            if (Interlocked.CompareExchange(ref Word(slot), Written, Free) == Free)
            {
                if (!reserved[slot])
                {
                    ReserveOrFree(slot);
                }

                return true;
            }
        }

        return false;
    }

    /// <summary>The worker: gives up a slot that it has begun and not delivered.</summary>
    public void Cancel(int slot) => Change(slot, Written, Free);

    /// <summary>The worker: what stands in a slot that it has begun is complete.</summary>
    /// <param name="slot">Which slot.</param>
    /// <param name="ticket">The gradient's ticket; at least 1.</param>
    public void Deliver(int slot, long ticket) => Change(slot, Written, State(Delivered, ticket));

    /// <summary>The worker: frees what it has delivered and the coordinator has not taken, except some.</summary>
    public void FreeDelivered(ReadOnlySpan<long> except)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            long word = Volatile.Read(ref Word(slot));
            if ((word & Taken) == Delivered && !except.Contains(word >> StateBits))
            {
                Interlocked.CompareExchange(ref Word(slot), Free, word);
            }
        }
    }

    /// <summary>The coordinator: takes what was delivered with a ticket; once, as the slot changes with it.</summary>
    /// <returns>False: nothing was delivered with it, it was taken before, or the worker has freed it.</returns>
    public bool TryTake(long ticket, out int slot)
    {
        for (slot = 0; slot < Slots; slot++)
        {
            if (ticket > 0 && Interlocked.CompareExchange(ref Word(slot), State(Taken, ticket), State(Delivered, ticket)) == State(Delivered, ticket))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The coordinator: gives a slot back that it has taken. A peer that has scribbled over the word loses the slot, nothing else.</summary>
    public void Return(int slot, long ticket) => Interlocked.CompareExchange(ref Word(slot), Free, State(Taken, ticket));

    /// <summary>Ends the owner's use. Slots that are leased stay mapped until they are returned.</summary>
    public void Dispose() => Mapping.Dispose();

    private static long State(long state, long ticket) => (ticket << StateBits) | state;

    private static long HeaderBytes(int slots) => Pages(WordsOffset + ((long)slots * WordBytes));

    private static long SlotOffset(int slot, int arenaLength, int slots) => HeaderBytes(slots) + SharedAnswers.Bytes + (slot * Pages((long)arenaLength * sizeof(float)));

    private static long Pages(long bytes) => (bytes + Page - 1) / Page * Page;

    private ref long Word(int slot) => ref Mapping.Word(WordsOffset + ((long)slot * WordBytes));

    private ref Guid Identifier(long offset) => ref Mapping.Memory<Guid>(offset, 1).Span[0];

    private void Change(int slot, long from, long to)
    {
        bool changed = Interlocked.CompareExchange(ref Word(slot), to, from) == from;
        Invariant.Holds(changed);
    }

    private void ReserveOrFree(int slot)
    {
        try
        {
            Mapping.Reserve(SlotOffset(slot, ArenaLength, Slots), (long)ArenaLength * sizeof(float));
            reserved[slot] = true;
        }
        finally
        {
            if (!reserved[slot])
            {
                Cancel(slot);
            }
        }
    }
}
