namespace DistNet.Kernels;

/// <summary>Up to 32 outputs of one group of a convolution, or up to 16 of a depthwise one.</summary>
/// <param name="First">The first output.</param>
/// <param name="Outputs">How many there are.</param>
/// <param name="Group">Their group, or the first's.</param>
internal readonly record struct OutputPanel(int First, int Outputs, int Group)
{
    /// <summary>Its width with the lanes that no output fills.</summary>
    public int Width => Panels.WidthAt(0, Outputs);
}

/// <summary>The panels of a range of a convolution's outputs.</summary>
/// <param name="shape">The convolution.</param>
/// <param name="from">The first output.</param>
/// <param name="to">The output after the last.</param>
internal ref struct OutputPanels(in ConvolutionShape shape, int from, int to)
{
    private readonly bool areGroups = Depthwise.Suits(shape);
    private readonly int groupOutputs = shape.GroupOutputs;
    private readonly int end = to;
    private int next = from;

    /// <summary>The outputs.</summary>
    public readonly int Count => end - next;

    public OutputPanel Current { get; private set; }

    public readonly OutputPanels GetEnumerator() => this;

    public bool MoveNext()
    {
        if (next >= end)
        {
            return false;
        }

        int group = next / groupOutputs;
        Current = new OutputPanel(next, areGroups ? Math.Min(Depthwise.Lanes, end - next) : Math.Min(Panels.Width, Math.Min(end, (group + 1) * groupOutputs) - next), group);
        next += Current.Outputs;
        return true;
    }
}
