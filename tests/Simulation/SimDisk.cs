using DistNet.Checkpoints;
using DistNet.Tests.Shared;

namespace DistNet.Simulation.Tests;

/// <summary>The run folder on a disk: lock, journal, checkpoints. It can be full for a while, its lock may not hold, and what is written at the moment of a
/// crash may be torn.</summary>
internal sealed class SimDisk(World world) : IJournalFiles
{
    private const int Kept = 3;
    private readonly List<(ExactCheckpoint Checkpoint, bool Torn)> checkpoints = [];
    private readonly SortedSet<int> claims = [];
    private string? journal;
    private SimCoordinator? holder;

    public string Place => "journal.json";

    public long FullUntilMs { get; set; }

    public bool HoldsCheckpoints => checkpoints.Count > 0;

    public bool IsFull => world.NowMs < FullUntilMs;

    /// <summary>The operating system's lock: it ends with the process.</summary>
    public bool TryLock(SimCoordinator by)
    {
        if (holder is { IsAlive: true } && holder != by)
        {
            if (!world.Plan.LockFails)
            {
                return false;
            }

            world.Faults.LocksFailed++;
        }

        holder = by;
        return true;
    }

    public string? Read() => journal;

    public void Write(string text)
    {
        ThrowIfFull();
        journal = text;
    }

    public bool TryClaim(int term)
    {
        ThrowIfFull();
        return claims.Add(term);
    }

    public IReadOnlyCollection<int> Claims() => [.. claims];

    public void Forget(int term) => claims.Remove(term);

    /// <summary>The latest whole checkpoint; null for none.</summary>
    public ExactCheckpoint? Load()
    {
        for (int i = checkpoints.Count - 1; i >= 0; i--)
        {
            if (!checkpoints[i].Torn || world.Defects.ResumesTorn)
            {
                return checkpoints[i].Checkpoint;
            }

            world.Faults.TornPassedOver++;
        }

        return null;
    }

    public void Write(ExactCheckpoint checkpoint)
    {
        ThrowIfFull();
        long step = checkpoint.State.Step;
        checkpoints.RemoveAll(there => there.Checkpoint.State.Step == step);
        Put(checkpoint, torn: false);
        while (checkpoints.Count(there => there.Checkpoint.State.Step <= step) > Kept)
        {
            checkpoints.RemoveAt(0);
        }
    }

    /// <summary>Writes the final model.</summary>
    public void WriteModel() => ThrowIfFull();

    /// <summary>The process died while it wrote a checkpoint, and the file system kept its name but not its content. One of the same step that was there is
    /// found beside it.</summary>
    public void Tear(ExactCheckpoint checkpoint) => Put(checkpoint with { Digest = ~checkpoint.Digest }, torn: true);

    /// <summary>A journal whose end is gone, as no atomic write leaves it but a broken file system.</summary>
    public void TearJournal() => journal = journal?[..(journal.Length / 2)];

    private void Put(ExactCheckpoint checkpoint, bool torn)
    {
        int place = checkpoints.FindIndex(there => there.Checkpoint.State.Step > checkpoint.State.Step);
        checkpoints.Insert(place < 0 ? checkpoints.Count : place, (checkpoint, torn));
    }

    private void ThrowIfFull()
    {
        if (IsFull)
        {
            world.Faults.WritesRefused++;
            throw DistNetException.Failed("The disk is full.");
        }
    }
}
