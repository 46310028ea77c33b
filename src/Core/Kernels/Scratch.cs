namespace DistNet.Kernels;

/// <summary>Lays out a kernel's scratch: pieces that start at multiples of 64 bytes. Laid over nothing, it says how much there must be.</summary>
/// <param name="start">The scratch; null to count.</param>
internal unsafe ref struct Scratch(float* start)
{
    private readonly float* start = Panels.Align(start);

    /// <summary>The floats taken, with those that alignment may need.</summary>
    public int Length { get; private set; } = Panels.Alignment;

    /// <summary>Takes the next piece.</summary>
    public float* Take(int length)
    {
        float* piece = start + (Length - Panels.Alignment);
        Length = checked(Length + ((length + Panels.Alignment - 1) / Panels.Alignment * Panels.Alignment));
        return piece;
    }
}
