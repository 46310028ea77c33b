namespace DistNet.Kernels;

/// <summary>Depthwise convolutions: each channel has an output of its own and sees no other. Channels share nothing but the instructions, so 16 of them are the lanes of a vector, pixel by pixel.</summary>
internal static class Depthwise
{
    /// <summary>The channels that are computed together.</summary>
    public const int Lanes = MapKernels.Lanes;

    /// <summary>Whether a convolution's three products are computed so. The order of every sum is the same either way. Of two or three channels most lanes are empty, which costs the forward pass and the input
    /// gradient a few microseconds a sample and saves the weight gradient tens.</summary>
    public static bool Suits(in ConvolutionShape shape) => shape.Groups > 1 && shape.Groups == shape.Channels && shape.Groups == shape.Outputs;
}
