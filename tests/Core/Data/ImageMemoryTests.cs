using DistNet.Data;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Data;

/// <summary>What decoding an image takes on both heaps, as its library has its own outside the managed one: by the peak of the process's memory, which Linux alone tells. No other test runs beside these.</summary>
[Collection(nameof(AllocationTests))]
public sealed class ImageMemoryTests : IDisposable
{
    private const long BytesPerPixel = 24;

    // The padding of a JPEG's rows to its blocks, and what else a process takes at its ease.
    private const long FreeBytes = 16 << 20;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_interlaced_PNG_of_16_bits_takes_what_is_stated() => Check(Png(2048, 2048), 2048, 2048, atLeast: 16);

    [Theory]
    [InlineData(2048, 2048, 6)]
    [InlineData(1, 65_000, 0)] // padded to 32 rows
    public void A_progressive_JPEG_of_four_channels_takes_what_is_stated(int height, int width, int atLeast) => Check(Jpeg(height, width), height, width, atLeast);

    // At least so much a pixel, or it was not measured: memory that is there already is not counted.
    private void Check(byte[] file, int height, int width, int atLeast)
    {
        string path = folder.Write("image", file);
        long pixels = (long)height * width;
        ImageFile.Image image = default;
        long? taken = Peak(() => image = ImageFile.Read(path, 3));
        Assert.Equal((height, width, 3 * pixels), (image.Height, image.Width, image.Pixels.Length));
        if (taken is { } bytes)
        {
            Assert.InRange(bytes, atLeast * pixels, (BytesPerPixel * pixels) + FreeBytes);
        }
    }

    // By how much the process's memory grew at the most; null where the system does not tell.
    private static long? Peak(Action work)
    {
        const string Reset = "/proc/self/clear_refs";
        GC.Collect();
        if (!File.Exists(Reset))
        {
            work();
            return null;
        }

        File.WriteAllText(Reset, "5"); // VmHWM begins anew
        long before = Kilobytes("VmRSS:");
        work();
        return (Kilobytes("VmHWM:") - before) << 10;
    }

    private static long Kilobytes(string name) =>
        long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);

    // Zeros in four channels of 16 bits.
    private static byte[] Png(int height, int width)
    {
        (int X, int Y, int StepX, int StepY)[] passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        int bytes = passes.Sum(pass => (height - pass.Y + pass.StepY - 1) / pass.StepY * (1 + (8 * ((width - pass.X + pass.StepX - 1) / pass.StepX))));
        return PngFile.Of(height, width, depth: 16, colour: 6, interlaced: true, new byte[bytes]);
    }

    // Four channels whose blocks go by 4 × 4, without data, and a comment of 5,000 bytes, without which so many pixels are refused.
    private static byte[] Jpeg(int height, int width) =>
        [0xFF, 0xD8, 0xFF, 0xC2, 0, 20, 8, .. BigEndian(height), .. BigEndian(width), 4, 1, 0x44, 0, 2, 0x44, 0, 3, 0x44, 0, 4, 0x44, 0, 0xFF, 0xFE, .. BigEndian(5000), .. new byte[4998], 0xFF, 0xD9];

    private static byte[] BigEndian(int value) => [(byte)(value >> 8), (byte)value];
}
