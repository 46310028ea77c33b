using CsCheck;
using DistNet.Data;
using Xunit;

namespace DistNet.Tests.Data;

public sealed class GzipTests : IDisposable
{
    private static readonly Gen<byte[]> Contents = Gen.OneOf(
        Gen.Byte.Array[0, 300],
        Gen.Byte[0, 3].Array[0, 3000],
        Gen.Select(Gen.Byte, Gen.Int[0, 200_000], (value, length) => Enumerable.Repeat(value, length).ToArray()));

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Content_comes_back_whatever_the_name_and_the_length_of_reads() => Gen.Select(Contents, Contents, Gen.Int[1, 70_000]).Sample(
        (first, second, length) =>
        {
            // Two members, one after the other, are one content.
            using DataFile file = DataFile.Open(folder.Write("a.csv", [.. DataFileMaker.Gzip(first), .. DataFileMaker.Gzip(second)]));
            Assert.True(file.IsGzip);
            Assert.Equal([.. first, .. second], Read(file, length));
        },
        iter: 100,
        threads: 1);

    [Fact]
    public void A_truncation_anywhere_is_told()
    {
        byte[] whole = DataFileMaker.Gzip([.. Enumerable.Range(0, 400).Select(i => (byte)(i * i % 251))]);
        for (int length = 2; length < whole.Length; length++)
        {
            string message = Error(whole[..length]);
            Assert.True(message.Contains("is truncated or damaged: it ends inside its compressed data"), $"{length}: {message}");
        }
    }

    [Fact]
    public void A_truncation_of_a_large_file_is_told()
    {
        byte[] whole = DataFileMaker.Gzip([.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 2_654_435_761L >> 20))]);
        Gen.Int[10, whole.Length - 1].Sample(
            length => Assert.Contains("is truncated or damaged", Error(whole[..length])),
            iter: 50,
            threads: 1);
    }

    [Fact]
    public void A_truncated_file_gives_nothing_but_the_start_of_its_content()
    {
        byte[] content = [.. Enumerable.Range(0, 2000).Select(i => (byte)(i * i % 253))];
        byte[] whole = DataFileMaker.Gzip(content);
        byte[] found = new byte[content.Length + 1];
        for (int length = 2; length < whole.Length; length++)
        {
            using DataFile file = DataFile.Open(folder.Write("cut.gz", whole[..length]));
            int count = 0;
            Assert.Throws<DistNetException>(() =>
            {
                while (count < found.Length)
                {
                    count += file.Content.Read(found.AsSpan(count, 1));
                }
            });
            Assert.Equal(content.AsSpan(0, count), found.AsSpan(0, count));
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(8)]
    public void A_wrong_checksum_is_told(int fromEnd)
    {
        byte[] wrong = DataFileMaker.Gzip(new byte[100]);
        wrong[^fromEnd] ^= 1;
        Assert.Contains("is damaged: its compressed data or its checksum is wrong", Error(wrong));
    }

    [Fact]
    public void A_wrong_length_is_told()
    {
        byte[] wrong = DataFileMaker.Gzip(new byte[100]);
        wrong[^4] ^= 1;
        Assert.Contains("is damaged: its compressed data or its checksum is wrong", Error(wrong));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 5)]
    [InlineData(100, 0)]
    [InlineData(100_000, 7)]
    public void Bytes_behind_the_compressed_data_are_told(int count, byte value) => Gen.Int[0, 20_000].Sample(
        length => Assert.Contains("other bytes behind its compressed data", Error([.. DataFileMaker.Gzip(new byte[length]), .. Enumerable.Repeat(value, count)])),
        iter: 5,
        threads: 1);

    private static byte[] Read(DataFile file, int length)
    {
        List<byte> content = [];
        byte[] buffer = new byte[length];
        for (int count; (count = file.Content.Read(buffer)) > 0;)
        {
            content.AddRange(buffer.AsSpan(0, count));
        }

        return [.. content];
    }

    private string Error(byte[] content)
    {
        string path = folder.Write("bad.gz", content);
        using DataFile file = DataFile.Open(path);
        DistNetException error = Assert.Throws<DistNetException>(() => Read(file, 5000));
        Assert.Equal(FailureKind.BadInput, error.Kind);
        Assert.StartsWith($"The gzip file '{path}' ", error.Message);
        return error.Message;
    }
}
