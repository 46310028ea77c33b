namespace DistNet.Runs;

/// <summary>Every bound of the run machine, with its reason. None of them can change a result.</summary>
public static class RunLimits
{
    /// <summary>Free gradient buffers that a pool keeps: a step of 64 workers with two nodes each finds all of them again.</summary>
    public const int FreeGradients = 128;

    /// <summary>Workers present at once; more are turned away. Planning a step is linear in it, and a batch rarely has more slices.</summary>
    public const int Workers = 1024;

    /// <summary>Names whose failures are remembered after they left; the oldest is forgotten first. Enough for every worker to leave once.</summary>
    public const int RememberedFailures = Workers;

    /// <summary>A shard is late after this multiple of its expected time: twice is common on a busy machine, four times is not.</summary>
    public const double LateMultiple = 4;

    /// <summary>No shard is late before this time: a collection of garbage or a page fault may take most of it.</summary>
    public const long LateFloorMs = 1_000;

    /// <summary>A worker that was never measured is late after this time: its first shard includes the compilation of the kernels, and its model's cost is unknown.</summary>
    public const long LateUnmeasuredMs = 30_000;

    /// <summary>A worker that is silent for this multiple of its deadline is given up: its session ends, and it may register again. A lost message costs no more.</summary>
    public const int SilentMultiple = 10;

    /// <summary>A worker without a beat for so long is suspected: four beats lost or late are no chance, and a step should not wait two seconds for it.</summary>
    public const long SuspectAfterMs = 1_000;

    /// <summary>A worker without a beat for so long has its session ended: it registers anew when it can. Long enough for a collection of garbage, a
    /// pause for a snapshot or a short cut of the network, after which it goes on in its session.</summary>
    public const long SessionEndsAfterMs = 5_000;

    /// <summary>A worker that has said for so long that it is idle, though it was given a shard, has lost it, or its answer was lost: much longer than a message takes,
    /// much shorter than the deadline of a worker that was never measured.</summary>
    public const long LostAfterMs = 2_000;

    /// <summary>How often a coordinator looks whether its run folder was taken over, besides before each write: one small file read.</summary>
    public const long FolderLookMs = 5_000;

    /// <summary>A silence is believed when a tick finds it and one so much later finds it again: where the coordinator itself was stopped, the beats that came
    /// meanwhile are read in between.</summary>
    public const long DoubtMs = TickMs / 2;

    /// <summary>Failures in a row that are remembered; more than enough to see who fails.</summary>
    public const int RememberedFailuresInRow = 4 * FailuresBeforeGivingUp;

    /// <summary>A diagnosis may take this many times longer than the step: it goes slice by slice and looks at each layer.</summary>
    public const double DiagnosisSlowness = 8;

    /// <summary>Failures in a row that a worker may have before it is set aside: one may be chance, three are not.</summary>
    public const int FailuresBeforeAside = 3;

    /// <summary>The first pause of a worker set aside; each further failure doubles it.</summary>
    public const long FirstAsideMs = 100;

    /// <summary>The longest pause: a machine that was repaired is used again within a minute.</summary>
    public const long LongestAsideMs = 60_000;

    /// <summary>Failed shards in a row, with no answer between them, after which the run gives up, where they do not come from one of several workers:
    /// then it is the job that fails.</summary>
    public const int FailuresBeforeGivingUp = 8;

    /// <summary>How many of those must come from others than the worker that failed most, unless it is the only one: two, as one may be chance.</summary>
    public const int FailuresOfOthers = 2;

    /// <summary>How much one measurement moves a worker's speed: one slow shard is forgotten after about ten.</summary>
    public const double SpeedSmoothing = 0.25;

    /// <summary>How much faster a worker that got no slices is thought to be with each step, so that it is tried again: one that is a hundred times slower than
    /// the others is tried every two hundred steps, which then costs them some six percent.</summary>
    public const double SpeedForgetting = 0.01;

    /// <summary>A worker whose fair share is below this many slices gets none: one slice would make the others wait more than twice the step's time.</summary>
    public const double SmallestShare = 0.5;

    /// <summary>What one more node of a shard costs (a gradient written, moved and added), in slices computed.</summary>
    public const double NodeCost = 0.25;

    /// <summary>How far a shard's end may be moved to need fewer nodes, in slices.</summary>
    public const int EndWindow = 2;

    /// <summary>How often the shell sends a tick: a tenth of the shortest lateness.</summary>
    public const long TickMs = 100;
}
