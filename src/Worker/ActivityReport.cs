using DistNet.Runs;

namespace DistNet.Worker;

/// <summary>What a worker does now, for its beats: written by its compute thread and its actor, read by anyone.</summary>
/// <param name="time">The clock; null for the system's.</param>
public sealed class ActivityReport(TimeProvider? time = null)
{
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly Lock gate = new();
    private ActivityKind kind;
    private long step;
    private SliceRange slices;
    private long since = (time ?? TimeProvider.System).GetTimestamp();
    private Func<bool>? isIdle;
    private bool leaving;

    /// <summary>What it does now, and for how long.</summary>
    public WorkerActivity Current
    {
        get
        {
            lock (gate)
            {
                ActivityKind now = leaving ? ActivityKind.Leaving : isIdle?.Invoke() == true ? ActivityKind.Idle : kind;
                return new WorkerActivity(now, step, slices, time.GetElapsedTime(since).TotalSeconds);
            }
        }
    }

    /// <summary>From now on it does this.</summary>
    /// <param name="kind">What.</param>
    /// <param name="step">At which step, where it has a shard.</param>
    /// <param name="slices">At which slices, where it has a shard.</param>
    /// <param name="isIdle">Asked, by whoever looks, whether it is idle nevertheless: where it does this only if others have said so by then. Null: it is not.</param>
    public void Set(ActivityKind kind, long step = 0, SliceRange slices = default, Func<bool>? isIdle = null)
    {
        lock (gate)
        {
            this.kind = kind;
            this.step = step;
            this.slices = slices;
            this.isIdle = isIdle;
            since = time.GetTimestamp();
        }
    }

    /// <summary>From now on it leaves, whatever else it does.</summary>
    public void Leave()
    {
        lock (gate)
        {
            leaving = true;
        }
    }
}
