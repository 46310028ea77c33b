namespace DistNet.Kernels;

/// <summary>How the results along one axis are read from the source with its padding: tap k of result i is at <see cref="Place"/>(i) + <see cref="Tap"/>(k). The source is the input, or for its gradient the
/// output gradient, of which a stride brings only some taps to a result: those of its phase.</summary>
internal readonly struct DepthwiseAxis
{
    private readonly WindowAxis window;
    private readonly bool isGradient;

    /// <summary>Sees a convolution's axis so.</summary>
    /// <param name="window">The axis.</param>
    /// <param name="isGradient">Whether the results are the input's gradients.</param>
    public DepthwiseAxis(in WindowAxis window, bool isGradient)
    {
        this.window = window;
        this.isGradient = isGradient;
        Phases = isGradient ? window.Stride : 1;
        Step = isGradient ? 1 : window.Stride;
        Span = checked((int)(window.Reach / Phases) + 1);
        Results = isGradient ? window.Input : window.Output;
        Source = isGradient ? window.Output : window.Input;
        Before = isGradient ? Span - 1 - (window.Before / window.Stride) : window.Before;
        Length = checked(Place(Results - 1) + Span);
    }

    /// <summary>The results.</summary>
    public int Results { get; }

    /// <summary>The length of the source without padding.</summary>
    public int Source { get; }

    /// <summary>The padding before the source; negative where so much of it is left out.</summary>
    public int Before { get; }

    /// <summary>The phases: results so far apart have the same taps.</summary>
    public int Phases { get; }

    /// <summary>From one result of a phase to the next, in the source.</summary>
    public int Step { get; }

    /// <summary>The places that the taps of one result lie in.</summary>
    public int Span { get; }

    /// <summary>The length of the source with the padding that is read.</summary>
    public int Length { get; }

    /// <summary>The phase of a result.</summary>
    public int Phase(int result) => (result + window.Before) % Phases;

    /// <summary>The first place that a result may read.</summary>
    public int Place(int result) => isGradient ? ((result + window.Before) / window.Stride) - (window.Before / window.Stride) : result * window.Stride;

    /// <summary>A tap's distance from that place.</summary>
    public int Tap(int tap) => isGradient ? Span - 1 - (tap * window.Dilation / window.Stride) : tap * window.Dilation;

    /// <summary>Whether a tap belongs to a phase.</summary>
    public bool Reaches(int tap, int phase) => tap * window.Dilation % Phases == phase;

    /// <summary>At least the places that so many results in a row read.</summary>
    public int Places(int results) => Math.Min(Length, checked(((results - 1) * Step / Phases) + 1 + Span));
}
