namespace DistNet.Runs;

/// <summary>Every bound of the run machine, with its reason. None of them can change a result.</summary>
public static class RunLimits
{
    /// <summary>Free gradient buffers that a pool keeps: a step of 64 workers with two nodes each finds all of them again.</summary>
    public const int FreeGradients = 128;
}
