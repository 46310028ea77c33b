using DistNet.Randomness;

namespace DistNet.Modules;

/// <summary>In training, sets a square of an image to 0 (DeVries and Taylor, <i>Improved regularization of convolutional neural networks with cutout</i>, 2017).</summary>
/// <remarks>The square's centre is any pixel with equal probability, so that a part of the square may lie outside the image. With the centre (v, h) it covers the rows
/// v − ⌊size/2⌋ … v − ⌊size/2⌋ + size − 1, and the columns alike. dx = dy outside the square, 0 inside.</remarks>
public sealed class Cutout : Augmentation
{
    /// <summary>Creates the rule.</summary>
    /// <param name="size">The square's side in pixels, at least 1 and at most the image's height and width.</param>
    public Cutout(int size)
    {
        Size = size >= 1
            ? size
            : throw DistNetException.BadInput($"A cutout module has the size {size}; it must be at least 1.");
    }

    /// <summary>The square's side in pixels.</summary>
    public int Size { get; }

    /// <inheritdoc/>
    public override string Kind => "cutout";

    internal override bool BackwardInPlace => true;

    internal override ForwardValues BackwardReads => ForwardValues.None;

    private protected override void CheckFits(ImageShape image)
    {
        if (Size > Math.Min(image.Height, image.Width))
        {
            throw DistNetException.BadInput($"its size is {Size}, but its images are {image.Height}×{image.Width}; expected at most {Math.Min(image.Height, image.Width)}");
        }
    }

    // The square's first row and column; they may be negative.
    private protected override (int First, int Second) Choose(ImageShape image, uint firstWord, uint secondWord) =>
        (KeyedRandom.Below(firstWord, image.Height) - (Size / 2), KeyedRandom.Below(secondWord, image.Width) - (Size / 2));

    private protected override (int Y, int X)? Source(ImageShape image, int first, int second, int y, int x) =>
        y >= first && y < first + Size && x >= second && x < second + Size ? null : (y, x);

    private protected override void Move(ImageShape image, int first, int second, ReadOnlySpan<float> input, Span<float> output)
    {
        input.CopyTo(output);
        int left = Math.Max(0, second);
        int right = Math.Min(image.Width, second + Size);
        for (int channel = 0; channel < image.Channels; channel++)
        {
            for (int y = Math.Max(0, first); y < Math.Min(image.Height, first + Size); y++)
            {
                int row = ((channel * image.Height) + y) * image.Width;
                output[(row + left)..(row + right)].Clear();
            }
        }
    }
}
