using DistNet.Data;
using DistNet.Losses;
using DistNet.Tensors;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

public sealed class IdxDatasetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_and_labels_are_read_gzip_or_not(bool gzip)
    {
        byte[] Packed(byte[] content) => gzip ? Gzip(content) : content;
        Dataset data = IdxDataset.Load(folder.Write("images", Packed(Idx(3, 4, 5))), folder.Write("labels", Packed(Idx(8, [3], [7, 2, 7]))), LossKind.CrossEntropy);
        Assert.IsType<ByteDataset>(data);
        Assert.Equal(3, data.Count);
        Assert.Equal(new Shape(4, 5), data.InputShape);
        Assert.Equal(["2", "7"], data.ClassNames);
        Assert.Equal([1, 0, 1], data.Labels);
        Assert.Equal(0, data.TargetWidth);
        Assert.True(data.Targets.IsEmpty);
        Assert.Equal(Enumerable.Range(0, 60).Select(i => (float)i), Inputs(data));
        float[] two = new float[40];
        data.CopyInputs([2, 0], two);
        Assert.Equal(Enumerable.Range(40, 20).Concat(Enumerable.Range(0, 20)).Select(i => (float)i), two);
    }

    [Theory]
    [InlineData(new[] { 2, 3 }, new[] { 3 })]
    [InlineData(new[] { 2, 3, 4 }, new[] { 3, 4 })]
    [InlineData(new[] { 2, 3, 4, 5 }, new[] { 3, 4, 5 })]
    public void A_samples_shape_is_the_dimensions_after_the_first(int[] dimensions, int[] shape) =>
        Assert.Equal(new Shape(shape), IdxDataset.LoadInputs(folder.Write("images", Idx(dimensions))).InputShape);

    [Theory]
    [InlineData(0x08, new byte[] { 200, 3 }, new[] { 200f, 3f })]
    [InlineData(0x09, new byte[] { 200, 3 }, new[] { -56f, 3f })]
    [InlineData(0x0B, new byte[] { 0xFF, 0xFE, 1, 2 }, new[] { -2f, 258f })]
    [InlineData(0x0C, new byte[] { 0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, new[] { 65536f, -1f })]
    [InlineData(0x0D, new byte[] { 0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0 }, new[] { 1f, -2f })]
    [InlineData(0x0E, new byte[] { 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0 }, new[] { 1f, -2f })]
    public void Every_element_type_is_read_big_endian(byte type, byte[] data, float[] expected)
    {
        Dataset inputs = IdxDataset.LoadInputs(folder.Write("images", Idx(type, [2, 1], data)));
        Assert.Equal(expected, Inputs(inputs));
        Dataset targets = IdxDataset.Load(folder["images"], folder.Write("labels", Idx(type, [2], data)), LossKind.MeanSquaredError);
        Assert.Equal(expected, targets.Targets);
        Assert.Equal(1, targets.TargetWidth);
        Assert.True(targets.Labels.IsEmpty);
    }

    [Fact]
    public void Several_targets_are_read()
    {
        Dataset data = IdxDataset.Load(folder.Write("images", Idx(2, 1)), folder.Write("labels", Idx(2, 3)), LossKind.MeanSquaredError);
        Assert.Equal(3, data.TargetWidth);
        Assert.Equal([0, 1, 2, 3, 4, 5], data.Targets);
    }

    [Fact]
    public void A_further_split_keeps_to_the_classes_of_the_training_data()
    {
        DataExpectation expected = new(new Shape(1), ["2", "7", "9"]);
        Dataset data = IdxDataset.Load(folder.Write("images", Idx(2, 1)), folder.Write("labels", Idx(8, [2], [9, 7])), LossKind.CrossEntropy, expected);
        Assert.Equal([2, 1], data.Labels);
        Assert.Equal(["2", "7", "9"], data.ClassNames);
        folder.Write("labels", Idx(8, [2], [9, 8]));
        Assert.Equal(
            $"The label of sample 1 in '{folder["labels"]}' (byte 9) is 8; expected one of the classes of the training data: '2', '7', '9'.",
            Error(expected));
    }

    [Fact]
    public void Missing_and_empty_files_are_told()
    {
        Assert.Equal($"The data file '{folder["images"]}' does not exist.", Error());
        folder.Write("images", "");
        Assert.Equal($"The data file '{folder["images"]}' is empty: it has 0 bytes.", Error());
        Directory.CreateDirectory(folder["folder"]);
        Assert.Contains("it is a folder, expected a file", Assert.Throws<DistNetException>(() => IdxDataset.LoadInputs(folder["folder"])).Message);
    }

    [Fact]
    public void A_pipe_is_told()
    {
        using System.IO.Pipes.AnonymousPipeServerStream pipe = new(System.IO.Pipes.PipeDirection.Out);
        string path = OperatingSystem.IsLinux() ? $"/proc/self/fd/{pipe.GetClientHandleAsString()}" : folder["missing"];
        string expected = OperatingSystem.IsLinux() ? "is a pipe or a device; expected a regular file." : "does not exist.";
        Assert.EndsWith(expected, Assert.Throws<DistNetException>(() => IdxDataset.LoadInputs(path)).Message);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 7, 3, 0, 0, 0, 1 }, "magic number is 0x00000703, expected 0x0000TTDD")]
    [InlineData(new byte[] { 1, 0, 8, 3, 0, 0, 0, 1 }, "magic number is 0x01000803")]
    [InlineData(new byte[] { 0, 0, 8, 0, 0, 0, 0, 1 }, "magic number is 0x00000800")]
    [InlineData(new byte[] { (byte)'P', (byte)'N', (byte)'G', 9, 0, 0, 0, 1 }, "magic number is 0x504E4709")]
    [InlineData(new byte[] { 0, 0, 8, 3, 0, 0 }, "truncated: it ends inside its header, at byte 6")]
    [InlineData(new byte[] { 0, 0, 8 }, "truncated: it ends inside its header, at byte 3")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 1 }, "has no samples: its header says 0")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0 }, "has 0 as dimension 1 (byte 8)")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0xFF, 0, 0, 0, 0, 0, 0, 1 }, "has 4,278,190,080 as dimension 0")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 1, 5 }, "has 1 dimension (is it a file of labels?); expected 2 to 4")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 5 }, "wrong length: its header [1, 2] promises 2 bytes of elements, found 1.")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6 }, "wrong length: its header [1, 1] promises 1 bytes of elements, found 2.")]
    public void A_file_that_is_not_IDX_is_told(byte[] content, string expected)
    {
        folder.Write("images", content);
        Assert.Contains($"'{folder["images"]}' ", Error());
        Assert.Contains(expected, Error());
        if (!expected.Contains("found 2"))
        {
            folder.Write("images", Gzip(content));
            Assert.Contains(expected.Replace("found 1", "found only 1"), Error());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_header_that_promises_far_more_than_the_file_holds_allocates_nothing(bool gzip)
    {
        foreach (int[] dimensions in new int[][] { [int.MaxValue, 28, 28], [60_000, 28, 28], [int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue], [2_000_000, 1] })
        {
            byte[] content = Idx(8, dimensions, new byte[1000]);
            folder.Write("images", gzip ? Gzip(content) : content);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains("has the wrong length: its header [", Error());
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
        }
    }

    [Fact]
    public void A_gzip_file_that_goes_on_behind_its_elements_is_told()
    {
        folder.Write("images", Gzip([.. Idx(2, 2), 1]));
        Assert.EndsWith("promises 4 bytes of elements, found more.", Error());
    }

    [Fact]
    public void A_truncated_gzip_file_is_told_as_such()
    {
        byte[] packed = Gzip(Idx(8, [1000, 2], [.. Enumerable.Range(0, 2000).Select(i => (byte)(i * i % 253))]));
        foreach (int cut in new[] { 1, 8, 9, packed.Length / 2 })
        {
            folder.Write("images", packed[..^cut]);
            Assert.Contains("is truncated or damaged", Error());
        }
    }

    [Fact]
    public void Different_counts_of_images_and_labels_are_told()
    {
        folder.Write("images", Idx(3, 2));
        folder.Write("labels", Idx(8, [2], [0, 1]));
        Assert.Equal($"The inputs in '{folder["images"]}' and the labels in '{folder["labels"]}' differ in number: 3 samples, 2 labels.", Error());
    }

    [Fact]
    public void Labels_that_are_no_classes_are_told()
    {
        folder.Write("images", Idx(2, 2));
        folder.Write("labels", Idx(2, 2));
        Assert.Contains("have 2 dimensions; expected 1 dimension of whole numbers", Error());
        folder.Write("labels", Idx(0x0D, [2], new byte[8]));
        Assert.Contains("have the type float; expected 1 dimension of whole numbers, as classes are.", Error());
        folder.Write("labels", Idx(8, [2], [4, 4]));
        Assert.Contains("have only one class ('4'); cross-entropy expects at least 2", Error());
        folder.Write("images", Idx(3, 2));
        folder.Write("labels", Idx(8, [3], [1, 2, 3]));
        Assert.Contains("have 3 classes ('1', '2', '3'); binary cross-entropy expects exactly 2", Error(null, LossKind.BinaryCrossEntropy));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_told()
    {
        folder.Write("labels", Idx(2));
        folder.Write("images", Idx(0x0D, [2, 2], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xC0, 0, 0]));
        Assert.Contains("has the value NaN in sample 1 (element 1, byte 24)", Error());
        folder.Write("images", Idx(0x0E, [2, 1], [0x7F, 0xE0, .. new byte[14]]));
        Assert.Contains("has the value Infinity in sample 0 (element 0, byte 12)", Error());
    }

    [Fact]
    public void A_further_split_of_another_shape_is_told()
    {
        folder.Write("images", Idx(2, 2, 3));
        Assert.EndsWith("have the shape [2, 3]; expected [3, 2], as in the training data.", Error(new DataExpectation(new Shape(3, 2), ["0", "1"])));
    }

    private string Error(DataExpectation? expected = null, LossKind loss = LossKind.CrossEntropy)
    {
        DistNetException error = Assert.Throws<DistNetException>(() => IdxDataset.Load(folder["images"], folder["labels"], loss, expected));
        Assert.Equal(FailureKind.BadInput, error.Kind);
        return error.Message;
    }
}
